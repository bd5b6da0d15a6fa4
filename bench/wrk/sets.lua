-- "Shared with me": a random page of 50 out of 20, by name, of people with whom 1,000 resources are shared.
local samples = {}
for line in io.lines(os.getenv("USHER_SAMPLES")) do
  local sso, user = line:match("^(%S+) (%S+)$")
  samples[#samples + 1] = { sso, user }
end
local json = os.getenv("USHER_JSON")
local bad = 0
local query = "/oauth2/resources/sets?_queryFilter=%21%28resourceOwnerId+eq+%22"
function init() math.randomseed(tonumber(tostring({}):match("0x(%x+)"), 16) % 2147483647) end
function request()
  local s = samples[math.random(#samples)]
  local path = json .. "/users/" .. s[2] .. query .. s[2] .. "%22%29&_sortKeys=name&_pageSize=50&_pagedResultsOffset=" .. 50 * math.random(0, 19)
  return wrk.format("GET", path, { ["iPlanetDirectoryPro"] = s[1], ["Accept-API-Version"] = "resource=1.0" })
end
function response(status, headers, body)
  if status ~= 200 or not body:find('"resultCount":50', 1, true) then bad = bad + 1; if bad == 1 then print("bad answer", status, body) end end
end
