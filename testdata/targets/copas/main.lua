-- An RFC 862 echo server on Copas, the dispatcher of LuaSocket: a coroutine for each client.
local copas = require('copas')
local socket = require('socket')

local server = assert(socket.bind('127.0.0.1', tonumber(os.getenv('PORT')), 1024))

copas.addserver(server, function(client)
  while true do
    local data, err, partial = copas.receivePartial(client, 65536)
    data = data or partial
    if data and #data > 0 and not copas.send(client, data) then break end
    if err and err ~= 'timeout' then break end
  end
  client:close()
end)

copas.loop()
