-- May this person see that resource, and why?
local samples = {}
for line in io.lines(os.getenv("USHER_SAMPLES")) do
  local sso, owner, id, party = line:match("^(%S+) (%S+) (%S+) (%S+)$")
  samples[#samples + 1] = { sso, owner, '{"policyId":"' .. id .. '","subject":"' .. party .. '","scopes":["view","edit"]}' }
end
local json = os.getenv("USHER_JSON")
local bad = 0
function init() math.randomseed(tonumber(tostring({}):match("0x(%x+)"), 16) % 2147483647) end
function request()
  local s = samples[math.random(#samples)]
  return wrk.format("POST", json .. "/users/" .. s[2] .. "/uma/policies?_action=evaluate",
    { ["iPlanetDirectoryPro"] = s[1], ["Accept-API-Version"] = "resource=1.0", ["Content-Type"] = "application/json" }, s[3])
end
function response(status, headers, body)
  if status ~= 200 or not body:find('"granted":["view"', 1, true) then bad = bad + 1; if bad == 1 then print("bad answer", status, body) end end
end
