-- Permission tickets for random resources, each by the PAT of its owner.
local samples = {}
for line in io.lines(os.getenv("USHER_SAMPLES")) do
  local pat, id = line:match("^(%S+) (%S+) ")
  samples[#samples + 1] = { "Bearer " .. pat, '{"resource_id":"' .. id .. '","resource_scopes":["view"]}' }
end
local path = os.getenv("USHER_UMA") .. "/permission_request"
local bad = 0
function init() math.randomseed(tonumber(tostring({}):match("0x(%x+)"), 16) % 2147483647) end
function request()
  local s = samples[math.random(#samples)]
  return wrk.format("POST", path, { ["Authorization"] = s[1], ["Content-Type"] = "application/json" }, s[2])
end
function response(status, headers, body)
  if status ~= 201 then bad = bad + 1; if bad == 1 then print("bad answer", status, body) end end
end
