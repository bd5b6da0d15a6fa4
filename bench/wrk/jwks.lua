-- The public keys of a realm.
local path = os.getenv("USHER_OAUTH") .. "/connect/jwk_uri"
local bad = 0
function request() return wrk.format("GET", path) end
function response(status, headers, body)
  if status ~= 200 then bad = bad + 1; if bad == 1 then print("bad answer", status, body) end end
end
