// An RFC 862 echo server on Node's net module: allowHalfOpen, so that what is
// still to be sent is sent after the client's FIN.
'use strict';
const net = require('net');
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
});
server.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 });
