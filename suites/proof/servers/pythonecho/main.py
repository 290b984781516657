"""Echo servers of Python's own library, as its documentation shows them: main.py WHERE KIND

  asyncio   a coroutine for each connection, with all defaults; WHERE is a port or a path
  forking   a process for each connection, of which the parent allows forty
"""
import asyncio
import socketserver
import sys

where, kind = sys.argv[1], sys.argv[2]


async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve():
    start = asyncio.start_unix_server(echo, where) if "/" in where else asyncio.start_server(echo, "127.0.0.1", int(where))
    async with await start as server:
        await server.serve_forever()


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Forking(socketserver.ForkingTCPServer):
    allow_reuse_address = True

    def handle_error(self, *_):
        pass


if kind == "asyncio":
    asyncio.run(serve())
else:
    Forking(("127.0.0.1", int(where)), Echo).serve_forever(poll_interval=0.05)
