-- Introspection of random RPTs, each by the PAT of its owner. USHER_SAMPLES names the file of pairs.
local pairs_ = {}
for line in io.lines(os.getenv("USHER_SAMPLES")) do
  local pat, rpt = line:match("^(%S+) (%S+)$")
  pairs_[#pairs_ + 1] = { "Bearer " .. pat, "token=" .. rpt }
end
local path = os.getenv("USHER_OAUTH") .. "/introspect"
local bad = 0
function init() math.randomseed(tonumber(tostring({}):match("0x(%x+)"), 16) % 2147483647) end
function request()
  local p = pairs_[math.random(#pairs_)]
  return wrk.format("POST", path, { ["Authorization"] = p[1], ["Content-Type"] = "application/x-www-form-urlencoded" }, p[2])
end
function response(status, headers, body)
  if status ~= 200 or not body:find('"active":true', 1, true) then bad = bad + 1; if bad == 1 then print("bad answer", status, body) end end
end
