"""The echo server of Twisted's documentation, "Writing Servers"."""
import os

from twisted.internet import protocol, reactor
from twisted.internet.endpoints import TCP4ServerEndpoint


class Echo(protocol.Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


class EchoFactory(protocol.Factory):
    protocol = Echo


TCP4ServerEndpoint(reactor, int(os.environ["PORT"]), interface="127.0.0.1").listen(EchoFactory())
reactor.run()
