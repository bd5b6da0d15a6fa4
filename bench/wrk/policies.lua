-- Which of an owner's policies name a random person.
local samples = {}
for line in io.lines(os.getenv("USHER_SAMPLES")) do
  local sso, owner, subject = line:match("^(%S+) (%S+) (%S+)$")
  samples[#samples + 1] = { sso, owner, subject }
end
local json = os.getenv("USHER_JSON")
local bad = 0
local query = "/uma/policies?_pageSize=50&_queryFilter=permissions%2Fsubject+eq+%22"
function init() math.randomseed(tonumber(tostring({}):match("0x(%x+)"), 16) % 2147483647) end
function request()
  local s = samples[math.random(#samples)]
  return wrk.format("GET", json .. "/users/" .. s[2] .. query .. s[3] .. "%22", { ["iPlanetDirectoryPro"] = s[1], ["Accept-API-Version"] = "resource=1.0" })
end
function response(status, headers, body)
  if status ~= 200 or not body:find('"resultCount":10', 1, true) then bad = bad + 1; if bad == 1 then print("bad answer", status, body) end end
end
