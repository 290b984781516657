// The README's samples of ws ("Simple server", and "Server broadcast" with its one receiver, the sender).
import { WebSocketServer } from 'ws';

const wss = new WebSocketServer({ port: +process.env.PORT, host: '127.0.0.1' });

wss.on('connection', function connection(ws) {
  ws.on('error', console.error);

  ws.on('message', function message(data, isBinary) {
    ws.send(data, { binary: isBinary });
  });
});
