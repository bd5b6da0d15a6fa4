-- Codes with PKCE, each exchanged once for an access token, a refresh token and an ID token (ES256).
local codes, at = {}, 0
for line in io.lines(os.getenv("USHER_SAMPLES")) do codes[#codes + 1] = line end
local path = os.getenv("USHER_OAUTH") .. "/access_token"
local form = "grant_type=authorization_code&client_id=Bench-Client&client_secret=mySecret&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb"
  .. "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&code="
local bad = 0
function init()
  local runs = tonumber(os.getenv("USHER_RUNS"))
  at = math.floor(#codes / runs) * (tonumber(os.getenv("USHER_RUN")) - 1)
end
function request()
  at = at + 1
  return wrk.format("POST", path, { ["Content-Type"] = "application/x-www-form-urlencoded" }, form .. (codes[at] or "none"))
end
function response(status, headers, body)
  if status ~= 200 then bad = bad + 1; if bad == 1 then print("bad answer", status, body) end end
end
