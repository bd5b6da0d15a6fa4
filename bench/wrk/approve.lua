-- Approves pending requests, each once: run n takes the n-th part of them.
local samples = {}
for line in io.lines(os.getenv("USHER_SAMPLES")) do
  local sso, owner, id = line:match("^(%S+) (%S+) (%S+)$")
  samples[#samples + 1] = { sso, owner, id }
end
local json = os.getenv("USHER_JSON")
local bad = 0
local part = math.floor(#samples / tonumber(os.getenv("USHER_RUNS")))
local next_, last = (tonumber(os.getenv("USHER_RUN")) - 1) * part + 1, tonumber(os.getenv("USHER_RUN")) * part
function request()
  if next_ > last then print("bad answer: no requests are left to approve") end
  local s = samples[math.min(next_, last)]
  next_ = next_ + 1
  return wrk.format("POST", json .. "/users/" .. s[2] .. "/uma/pendingrequests/" .. s[3] .. "?_action=approve",
    { ["iPlanetDirectoryPro"] = s[1], ["Accept-API-Version"] = "resource=1.0", ["Content-Type"] = "application/json" }, "{}")
end
function response(status, headers, body)
  if status ~= 200 then bad = bad + 1; if bad == 1 then print("bad answer", status, body) end end
end
