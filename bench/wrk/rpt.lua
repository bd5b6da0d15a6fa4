-- Pairs: a ticket for a random resource, then the UMA grant with an ES256 ID token. wrk does not tell a script which answer
-- belongs to which request, so a run speaks for one party (another one each run) and uses the resources shared with it;
-- tickets wait in a queue between the two halves. Every two requests are one pair.
local all, samples, queue, head, tail = {}, {}, {}, 1, 0
for line in io.lines(os.getenv("USHER_SAMPLES")) do
  local pat, id, token = line:match("^(%S+) (%S+) (%S+)$")
  all[#all + 1] = { "Bearer " .. pat, '{"resource_id":"' .. id .. '","resource_scopes":["view"]}', token }
end
local ask, give = os.getenv("USHER_UMA") .. "/permission_request", os.getenv("USHER_OAUTH") .. "/access_token"
local form = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Auma-ticket&client_id=Bench-Client&client_secret=mySecret"
  .. "&claim_token_format=http%3A%2F%2Fopenid.net%2Fspecs%2Fopenid-connect-core-1_0.html%23IDToken&claim_token="
local bad = 0
function init()
  math.randomseed(tonumber(os.getenv("USHER_RUN") or "1") * 7919)
  local token = all[math.random(#all)][3]
  for _, s in ipairs(all) do
    if s[3] == token then samples[#samples + 1] = s end
  end
  form = form .. token .. "&ticket="
end
function request()
  if head <= tail then
    local ticket = queue[head]
    queue[head] = nil
    head = head + 1
    return wrk.format("POST", give, { ["Content-Type"] = "application/x-www-form-urlencoded" }, form .. ticket)
  end
  local s = samples[math.random(#samples)]
  return wrk.format("POST", ask, { ["Authorization"] = s[1], ["Content-Type"] = "application/json" }, s[2])
end
function response(status, headers, body)
  if status == 201 then
    tail = tail + 1
    queue[tail] = body:match('"ticket":"([^"]+)"')
  elseif status ~= 200 then
    bad = bad + 1
    if bad == 1 then print("bad answer", status, body) end
  end
end
