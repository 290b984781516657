-- The echo server of luv's README, which heeds SIGPIPE and back-pressure: nothing is read
-- while a write is under way.
local uv = require('luv')

local sigpipe = uv.new_signal()
sigpipe:start('sigpipe')
sigpipe:unref()

local server = uv.new_tcp()
assert(server:bind('127.0.0.1', tonumber(os.getenv('PORT'))))
assert(server:listen(4096, function(err)
  if err then return end
  local client = uv.new_tcp()
  if not server:accept(client) then
    client:close()
    return
  end
  local function finish()
    if not client:is_closing() then client:close() end
  end
  local function echo(failed, chunk)
    if failed then
      finish()
    elseif chunk then
      client:read_stop()
      client:write(chunk, function(lost)
        if lost then finish() elseif not client:is_closing() then client:read_start(echo) end
      end)
    else
      client:shutdown(finish)
    end
  end
  client:read_start(echo)
end))

uv.run()
