# The echo server of async-io's README: a task for each connection.
require 'async'
require 'async/io'

endpoint = Async::IO::Endpoint.tcp('127.0.0.1', Integer(ENV.fetch('PORT')))

Async do
  endpoint.accept do |peer|
    while (data = peer.recv(65_536)) && !data.empty?
      peer.send(data)
    end
  rescue SystemCallError, EOFError
    # The client is gone.
  ensure
    peer.close
  end
end
