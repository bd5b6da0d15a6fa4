-- Tickets whose requesting party was there, with PKCE, each turned into an RPT once.
local tickets, at = {}, 0
for line in io.lines(os.getenv("USHER_SAMPLES")) do tickets[#tickets + 1] = line end
local path = os.getenv("USHER_GATHER") .. "/access_token"
local form = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Auma-ticket&client_id=Bench-Client&client_secret=mySecret"
  .. "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&ticket="
local bad = 0
function init()
  local runs = tonumber(os.getenv("USHER_RUNS"))
  at = math.floor(#tickets / runs) * (tonumber(os.getenv("USHER_RUN")) - 1)
end
function request()
  at = at + 1
  return wrk.format("POST", path, { ["Content-Type"] = "application/x-www-form-urlencoded" }, form .. (tickets[at] or "none"))
end
function response(status, headers, body)
  if status ~= 200 then bad = bad + 1; if bad == 1 then print("bad answer", status, body) end end
end
