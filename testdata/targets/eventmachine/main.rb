# The echo server of EventMachine's README.
require 'eventmachine'

module EchoServer
  def receive_data(data)
    send_data data
  end
end

EventMachine.run do
  EventMachine.start_server '127.0.0.1', Integer(ENV.fetch('PORT')), EchoServer
end
