// The server of node/main.js on Deno's node:net.
import net from 'node:net';
import process from 'node:process';

net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
}).listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 });
