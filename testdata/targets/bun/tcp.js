// An RFC 862 echo server on Bun.listen. What write does not take is kept and written
// when the socket drains; until then it is not read from. write says -1 of a socket
// that is closed.
function flush(socket) {
  while (socket.data.due.length > 0) {
    const taken = socket.write(socket.data.due[0]);
    if (taken < 0) return;
    if (taken < socket.data.due[0].length) {
      socket.data.due[0] = socket.data.due[0].subarray(taken);
      return socket.pause();
    }
    socket.data.due.shift();
  }
  if (socket.data.ended) socket.end();
  else socket.resume();
}

Bun.listen({
  hostname: '127.0.0.1',
  port: Number(process.env.PORT),
  allowHalfOpen: true,
  socket: {
    open(socket) { socket.data = { due: [], ended: false }; },
    data(socket, bytes) {
      socket.data.due.push(bytes);
      if (socket.data.due.length === 1) flush(socket);
    },
    drain: flush,
    end(socket) {
      socket.data.ended = true;
      if (socket.data.due.length === 0) socket.end();
    },
    error() {},
  },
});
