// An adapter: a server on Node's net module that speaks the target contract of reactorspec.
//
// The contract is one page, https://github.com/reactorspec/reactorspec/blob/main/spec/target.md.
// Put your own server in the place of net, and keep the conversations. A verb that
// your loop offers (POST, TIMER, OFFLOAD and so on) goes into answer(), and its
// feature into FEATURES.
'use strict';
const net = require('node:net');

const FEATURES = 'where,sink,source,limit,drain';
const LIMIT = 256 << 10; // bytes of output that may wait for a client before we stop reading from it
const MAX_LINE = 256; // bytes of a sign-on line
const MAX_FRAME = 65536; // bytes of a frame's body
const MAX_SOURCE = 2 ** 40; // bytes that SOURCE may be asked for
const DRAIN_MILLISECONDS = 4000; // how long a stopping server waits for its clients; the contract allows 5 s
const LINGER = 1000; // milliseconds, for what a client has sent already when all that is due to it is sent
const PIECE = 65536; // bytes of SOURCE made at a time
const PERIOD = 251; // byte i of SOURCE is i mod 251
const PATTERN = Buffer.from(Array.from({ length: PERIOD + PIECE }, (_, i) => i % PERIOD));
const NOTHING = Buffer.alloc(0);

const connections = new Set();
let numbers = 0;

class Connection {
  constructor(socket) {
    this.socket = socket;
    this.number = ++numbers;
    this.conversation = this.signOn; // takes the bytes that come next
    this.held = NOTHING; // a line or frame that has not come whole
    this.sunk = 0;
    this.made = this.left = 0; // bytes of SOURCE
    this.closing = false;
    this.leaving = false;
    connections.add(this);
    socket.on('data', (data) => { if (!this.closing) this.conversation(data); });
    socket.on('end', () => {
      if (this.conversation === this.sink) this.write(`SUNK ${this.sunk}\n`);
      this.finish();
    });
    socket.on('drain', () => { socket.resume(); this.produce(); });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => { this.left = 0; connections.delete(this); });
  }

  // Who does not read is not read from, until all that waits is sent.
  write(bytes) {
    if (!this.socket.write(bytes)) this.socket.pause();
  }

  // Closes once all that is due is sent.
  finish() {
    this.closing = true;
    if (this.left > 0 || this.leaving) return;
    // A close over input that was not read would reset the connection, and drop the output
    // that is still on its way: FIN goes out behind it, and what still comes is thrown away.
    this.leaving = true;
    this.socket.end(() => setTimeout(() => this.socket.destroy(), LINGER).unref());
    this.socket.resume();
  }

  signOn(data) {
    const all = Buffer.concat([this.held, data]);
    const end = all.indexOf(10);
    if ((end < 0 ? all.length : end) > MAX_LINE) return this.finish();
    if (end < 0) {
      this.held = all;
      return;
    }
    this.held = NOTHING;
    const line = all.toString('latin1', 0, end).replace(/\r$/, '');
    const source = /^SOURCE (\d{1,13})$/.exec(line);
    if (source && Number(source[1]) <= MAX_SOURCE) {
      this.conversation = () => {};
    } else if (line === 'ECHO') {
      this.conversation = this.write;
    } else if (line === 'SINK') {
      this.conversation = this.sink;
    } else if (line === 'PROBE') {
      this.conversation = this.frames;
    } else {
      return this.finish();
    }
    this.write(`OK ${this.number}\n`);
    if (source) {
      this.left = Number(source[1]);
      if (this.left === 0) this.finish();
      this.produce();
    } else if (end + 1 < all.length) {
      this.conversation(all.subarray(end + 1));
    }
  }

  sink(data) {
    this.sunk += data.length;
  }

  // Writes a piece of SOURCE, one a turn of the loop, so that others have theirs.
  produce() {
    if (this.left === 0) return;
    const start = this.made % PERIOD;
    const piece = PATTERN.subarray(start, start + Math.min(this.left, PIECE));
    this.made += piece.length;
    this.left -= piece.length;
    const room = this.socket.write(piece);
    if (this.left === 0) this.finish();
    else if (room) setImmediate(() => this.produce()); // else 'drain' goes on
  }

  frames(data) {
    let rest = this.held.length > 0 ? Buffer.concat([this.held, data]) : data;
    const out = [];
    let ends = false;
    while (rest.length >= 4) {
      const length = rest.readUInt32BE(0);
      if (length < 1 || length > MAX_FRAME) {
        ends = true;
        break;
      }
      if (rest.length < 4 + length) break;
      const body = rest.subarray(4, 4 + length);
      rest = rest.subarray(4 + length);
      const space = body.indexOf(32);
      const id = body.toString('latin1', 0, space < 0 ? length : space);
      if (!/^\d+$/.test(id)) {
        ends = true;
        break;
      }
      const reply = Buffer.concat([Buffer.from(id + ' '), this.answer(space < 0 ? NOTHING : body.subarray(space + 1))]);
      const head = Buffer.alloc(4);
      head.writeUInt32BE(reply.length);
      out.push(head, reply);
    }
    this.held = rest.length > 0 ? Buffer.from(rest) : NOTHING; // a copy: `data` may be much larger
    if (out.length > 0) this.write(Buffer.concat(out));
    if (ends) this.finish();
  }

  answer(request) {
    const space = request.indexOf(32);
    const verb = request.toString('latin1', 0, space < 0 ? request.length : space);
    switch (verb) {
      case 'PING':
        return Buffer.concat([Buffer.from('ok'), request.subarray(verb.length)]);
      case 'HELLO':
        return Buffer.from(`ok class=reactor loops=1 features=${FEATURES} limit=${LIMIT} wakeup=- poller=- nonce=${process.env.REACTORSPEC_NONCE || '-'}`);
      case 'WHERE': // the process is named by its main thread, which runs the loop
        return Buffer.from(`ok loop=0 tid=${process.pid} conn=${this.number}`);
      default:
        return Buffer.from('unsupported');
    }
  }
}

// Twice the limit: a socket asks for a pause as soon as its mark is reached, and the
// limit has to go through first.
const server = net.createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: 2 * LIMIT }, (socket) => new Connection(socket));

process.on('SIGTERM', () => {
  server.close(() => process.exit(0)); // once the last connection is gone
  for (const connection of connections) {
    connection.socket.read(); // what was read ahead of it, which is a 'data' event, is answered
    connection.finish();
  }
  setTimeout(() => process.exit(0), DRAIN_MILLISECONDS);
});
server.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 });
