"""An HTTP server that works for a millisecond, or MS, on each request. usage: main.py PORT [MS [drops]]

drops: behind the first of several requests that came together it ends the connection. It
works through the others all the same, answers none, and writes a line about each.
"""
import asyncio
import signal
import sys
import time

WORK = float(sys.argv[2] if len(sys.argv) > 2 else 1) / 1000  # seconds of processor time


DROPS = sys.argv[3:] == ["drops"]
TOGETHER = 32 << 20  # bytes that are read ahead of what is worked through


def work():
    until = time.perf_counter() + WORK
    while time.perf_counter() < until:
        pass


async def serve(reader, writer):
    over = False
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            method, path = head.split(b" ", 2)[:2]
            if method != b"GET":
                break  # it may have a body
            body = path.partition(b"?")[2]
            work()
            if over:
                print("pipelined requests are not supported", file=sys.stderr, flush=True)
                await asyncio.sleep(0)
                continue
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
            if DROPS and reader._buffer:
                writer.write_eof()
                over = True
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        pass
    finally:
        writer.close()


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=4096, limit=TOGETHER if DROPS else 64 << 10)
    await stop.wait()
    server.close()


asyncio.run(main())
