"""Simple TCP Echo Server: the README's of circuits, without its Debugger, on the given port."""
import sys

from circuits import handler
from circuits.net.sockets import TCPServer


class EchoServer(TCPServer):

    @handler("read")
    def on_read(self, sock, data):
        return data


app = EchoServer(("127.0.0.1", int(sys.argv[1])))
app.run()
