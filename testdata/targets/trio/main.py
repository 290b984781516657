"""An RFC 862 echo server on Trio, as its tutorial writes it: serve_tcp, and a client that
breaks its connection ends its own task only."""
import os

import trio


async def echo(stream):
    try:
        async for data in stream:
            await stream.send_all(data)
        await stream.aclose()
    except trio.BrokenResourceError:
        pass


async def main():
    await trio.serve_tcp(echo, int(os.environ["PORT"]), host="127.0.0.1")


trio.run(main)
