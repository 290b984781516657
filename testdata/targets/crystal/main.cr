# The echo server of Crystal's TCPServer: a fiber for each connection. It goes on where accept
# fails.
require "socket"

def serve(client)
  IO.copy(client, client)
rescue IO::Error
  # The client is gone.
ensure
  begin
    client.close
  rescue IO::Error
  end
end

server = TCPServer.new("127.0.0.1", ENV["PORT"].to_i, backlog: 4096)
loop do
  begin
    client = server.accept
    client.sync = true
    spawn serve(client)
  rescue IO::Error
    sleep 0.1
  end
end
