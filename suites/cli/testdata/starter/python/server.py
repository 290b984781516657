"""An adapter: a server on asyncio that speaks the target contract of reactorspec.

The contract is one page, https://github.com/reactorspec/reactorspec/blob/main/spec/target.md.
Put your own event loop, transport or protocol in the place of asyncio's, and keep
the conversations. A verb that your loop offers (POST, TIMER, OFFLOAD and so on) goes
into answer(), and its feature into FEATURES.
"""
import asyncio
import errno
import itertools
import os
import signal
import socket
import threading

FEATURES = "where,sink,source,limit,drain"
LIMIT = 1 << 20  # bytes of output that may wait for a client before we stop reading from it
MAX_LINE = 256  # bytes of a sign-on line
MAX_FRAME = 65536  # bytes of a frame's body
MAX_SOURCE = 1 << 40  # bytes that SOURCE may be asked for
ACCEPTS = 256  # clients taken in one turn
ACCEPT_PAUSE = 0.1  # seconds, after an accept that failed for want of descriptors
DRAIN_SECONDS = 4  # how long a stopping server waits for its clients; the contract allows 5
LINGER = 1  # seconds, for what a client has sent already when all that is due to it is sent
PERIOD = 251  # byte i of SOURCE is i mod 251
PATTERN = bytes(i % PERIOD for i in range(PERIOD + (1 << 16)))

numbers = itertools.count(1)
connections = set()
stopping = False


class Connection(asyncio.Protocol):
    """One client. `conversation` is what takes the bytes that come next."""

    def connection_made(self, transport):
        self.transport = transport
        self.transport.set_write_buffer_limits(high=LIMIT)
        self.number = next(numbers)
        self.conversation = self.sign_on
        self.held = b""  # a line or frame that has not come whole
        self.sunk = 0
        self.left = self.made = 0  # bytes of SOURCE
        self.full = False  # more output waits than LIMIT
        self.leaving = False  # FIN goes out behind what is due, and what still comes is thrown away
        self.lost = asyncio.get_running_loop().create_future()
        connections.add(self)
        if stopping:
            self.transport.close()

    def connection_lost(self, _):
        self.left = 0
        connections.discard(self)
        self.lost.set_result(None)

    def data_received(self, data):
        self.conversation(data)

    def eof_received(self):
        if self.conversation == self.sink:
            self.transport.write(b"SUNK %d\n" % self.sunk)
        self.conversation = None  # nothing comes any more
        self.finish()
        return True  # what is due is still sent

    # Back-pressure: who does not read is not read from.

    def pause_writing(self):
        self.full = True
        if not self.leaving:
            self.transport.pause_reading()

    def resume_writing(self):
        self.full = False
        if self.leaving:
            self.linger()
            return
        if not self.transport.is_closing():
            self.transport.resume_reading()
        self.produce()

    def finish(self):
        """Closes once all that is due is sent."""
        if self.left > 0:
            return
        if self.conversation is None:
            self.transport.close()
        elif not self.leaving:
            # A close over input that was not read would reset the connection, and drop
            # the output that is still on its way.
            self.leaving = True
            self.conversation = self.ignore
            self.transport.write_eof()
            self.transport.resume_reading()
            self.transport.set_write_buffer_limits(high=0)  # resume_writing says when all is sent
            if not self.full:
                self.linger()

    def linger(self):
        asyncio.get_running_loop().call_later(LINGER, self.transport.close)

    # The conversations.

    def sign_on(self, data):
        line, newline, rest = (self.held + data).partition(b"\n")
        if len(line) > MAX_LINE:
            self.transport.close()
            return
        if not newline:
            self.held = line
            return
        self.held = b""
        command, _, argument = line.removesuffix(b"\r").partition(b" ")
        is_source = command == b"SOURCE" and argument.isdigit() and int(argument) <= MAX_SOURCE
        conversations = {b"ECHO": self.transport.write, b"SINK": self.sink, b"PROBE": self.frames}
        if is_source:
            self.conversation = self.ignore
        elif not argument and b" " not in line and command in conversations:
            self.conversation = conversations[command]
        else:
            self.transport.close()
            return
        self.transport.write(b"OK %d\n" % self.number)
        if is_source:
            self.left = int(argument)
            self.produce() if self.left else self.finish()
        elif rest:
            self.conversation(rest)

    def ignore(self, data):
        pass

    def sink(self, data):
        self.sunk += len(data)

    def produce(self):
        """Writes a piece of SOURCE, one a turn of the loop, so that others have theirs."""
        if self.left == 0 or self.full:
            return
        start = self.made % PERIOD
        piece = PATTERN[start : start + min(self.left, 1 << 16)]
        self.made += len(piece)
        self.left -= len(piece)
        self.transport.write(piece)
        if self.left == 0:
            self.finish()
        elif not self.full:
            asyncio.get_running_loop().call_soon(self.produce)

    def frames(self, data):
        held, out, at, ends = self.held + data, bytearray(), 0, False
        while len(held) - at >= 4:
            length = int.from_bytes(held[at : at + 4], "big")
            if not 1 <= length <= MAX_FRAME:
                ends = True
                break
            if len(held) - at - 4 < length:
                break
            ident, _, request = held[at + 4 : at + 4 + length].partition(b" ")
            at += 4 + length
            if not ident.isdigit():
                ends = True
                break
            body = ident + b" " + self.answer(request)
            out += len(body).to_bytes(4, "big") + body
        self.held = held[at:]
        if out:
            self.transport.write(out)
        if ends:
            self.finish()

    def answer(self, request):
        verb, _, arguments = request.partition(b" ")
        if verb == b"PING":
            return b"ok" + request[len(verb) :]
        if verb == b"HELLO":
            nonce = os.environ.get("REACTORSPEC_NONCE") or "-"
            return f"ok class=reactor loops=1 features={FEATURES} limit={LIMIT} wakeup=- poller=- nonce={nonce}".encode()
        if verb == b"WHERE":
            return b"ok loop=0 tid=%d conn=%d" % (threading.get_native_id(), self.number)
        return b"unsupported"


welcomes = set()  # tasks, which the loop itself would forget


def accept(listener):
    """Takes clients. loop.create_server() would do, but out of descriptors it fails as often
    as the backlog is long, and burns a core (https://github.com/python/cpython/issues/151615)."""
    loop = asyncio.get_running_loop()
    for _ in range(ACCEPTS):
        try:
            client, _ = listener.accept()
        except OSError as e:
            if e.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                loop.remove_reader(listener)
                loop.call_later(ACCEPT_PAUSE, listen, listener)
            return
        client.setblocking(False)
        welcome = loop.create_task(loop.connect_accepted_socket(Connection, client))
        welcomes.add(welcome)
        welcome.add_done_callback(welcomes.discard)


def listen(listener):
    if not stopping:
        asyncio.get_running_loop().add_reader(listener, accept, listener)


async def main():
    global stopping
    loop = asyncio.get_running_loop()
    terminated = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, terminated.set)
    listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=4096)
    listener.setblocking(False)
    listen(listener)
    await terminated.wait()
    stopping = True
    loop.remove_reader(listener)
    listener.close()
    for connection in list(connections):
        connection.finish()
    if connections:
        await asyncio.wait([c.lost for c in connections], timeout=DRAIN_SECONDS)


asyncio.run(main())
