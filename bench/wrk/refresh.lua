-- Refresh tokens, each used once: the next one comes with its answer.
local queue, head, tail = {}, 1, 0
local path = os.getenv("USHER_OAUTH") .. "/access_token"
local form = "grant_type=refresh_token&client_id=Bench-Client&client_secret=mySecret&refresh_token="
local bad = 0
function init()
  -- Each run has tokens of its own: those of an earlier one are used up.
  local all, runs, run = {}, tonumber(os.getenv("USHER_RUNS")), tonumber(os.getenv("USHER_RUN"))
  for line in io.lines(os.getenv("USHER_SAMPLES")) do all[#all + 1] = line end
  local share = math.floor(#all / runs)
  for i = 1, share do queue[i] = all[share * (run - 1) + i] end
  tail = share
end
function request()
  local token = queue[head]
  queue[head] = nil
  head = head + 1
  return wrk.format("POST", path, { ["Content-Type"] = "application/x-www-form-urlencoded" }, form .. (token or "none"))
end
function response(status, headers, body)
  if status == 200 then
    tail = tail + 1
    queue[tail] = body:match('"refresh_token":"([^"]+)"')
  else
    bad = bad + 1
    if bad == 1 then print("bad answer", status, body) end
  end
end
