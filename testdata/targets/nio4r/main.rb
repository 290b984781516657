# An RFC 862 echo server on nio4r's selector. What could not be written at once is kept,
# and nothing is read until it has gone.
require 'nio'
require 'socket'

class Server
  REST = 0.1 # seconds without accepting, when descriptors are out

  def initialize(port)
    @selector = NIO::Selector.new
    @listener = TCPServer.new('127.0.0.1', port)
    @listener.listen(4096)
    watch_listener
  end

  def run
    loop do
      rest = @rested_at && [@rested_at - now, 0].max
      @selector.select(rest) { |monitor| monitor.value.call }
      watch_listener if @rested_at && now >= @rested_at # select may return early
    end
  end

  private

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def watch_listener
    @rested_at = nil
    @selector.register(@listener, :r).value = -> { accept }
  end

  def accept
    socket = @listener.accept_nonblock(exception: false)
    return if socket == :wait_readable

    monitor = @selector.register(socket, :r)
    due = String.new
    monitor.value = -> { serve(socket, monitor, due) }
  rescue Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::ENOBUFS
    @selector.deregister(@listener)
    @rested_at = now + REST
  rescue SystemCallError
    # That connection was gone before it was accepted.
  end

  def serve(socket, monitor, due)
    if due.empty?
      data = socket.read_nonblock(65_536, exception: false)
      return if data == :wait_readable
      return leave(socket) if data.nil?

      due << data
    end
    written = socket.write_nonblock(due, exception: false)
    due.slice!(0, written) unless written == :wait_writable
    monitor.interests = due.empty? ? :r : :w
  rescue SystemCallError, IOError
    leave(socket)
  end

  def leave(socket)
    @selector.deregister(socket)
    socket.close
  end
end

Server.new(Integer(ENV.fetch('PORT'))).run
