"""An RFC 862 echo server on Tornado's TCPServer."""
import asyncio
import os

from tornado.iostream import StreamClosedError
from tornado.tcpserver import TCPServer


class EchoServer(TCPServer):
    async def handle_stream(self, stream, address):
        try:
            while True:
                await stream.write(await stream.read_bytes(65536, partial=True))
        except StreamClosedError:
            pass


async def main():
    server = EchoServer()
    server.listen(int(os.environ["PORT"]), address="127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
