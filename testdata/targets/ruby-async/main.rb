# An RFC 862 echo server on async-io: a task and a stream for each connection. Beside the
# sample it goes on accepting once it has been out of descriptors.
require 'async'
require 'async/io'
require 'async/io/stream'

endpoint = Async::IO::Endpoint.tcp('127.0.0.1', Integer(ENV.fetch('PORT')))

Async do
  endpoint.bind do |server, task|
    server.listen(Socket::SOMAXCONN)
    begin
      server.accept_each do |peer|
        stream = Async::IO::Stream.new(peer)
        while (data = stream.read_partial)
          stream.write(data)
          stream.flush
        end
      rescue SystemCallError, EOFError
        # The client is gone.
      ensure
        peer.close
      end
    rescue SystemCallError
      task.sleep(0.1)
      retry
    end
  end
end
