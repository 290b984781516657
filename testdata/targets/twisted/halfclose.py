"""The echo server of sample.py, which heeds the client's half-close and the transport's
back-pressure: IHalfCloseableProtocol and a producer."""
import os

from twisted.internet import interfaces, protocol, reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from zope.interface import implementer


@implementer(interfaces.IHalfCloseableProtocol, interfaces.IPushProducer)
class Echo(protocol.Protocol):
    def connectionMade(self):
        self.transport.registerProducer(self, True)

    def dataReceived(self, data):
        self.transport.write(data)

    # What has been written is sent before loseConnection closes.
    def readConnectionLost(self):
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def writeConnectionLost(self):
        pass

    def pauseProducing(self):
        self.transport.pauseProducing()

    def resumeProducing(self):
        self.transport.resumeProducing()

    def stopProducing(self):
        self.transport.loseConnection()


class EchoFactory(protocol.Factory):
    protocol = Echo


TCP4ServerEndpoint(reactor, int(os.environ["PORT"]), interface="127.0.0.1").listen(EchoFactory())
reactor.run()
