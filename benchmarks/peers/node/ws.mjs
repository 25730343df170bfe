// The ws library on Node's own HTTP server: two WebSocket servers that share it,
// as its README has them, echo and broadcast as there.

import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { WebSocket, WebSocketServer } from 'ws';
import { maxMessage, options } from './options.mjs';

const { hostname, port, tls } = options();
const settings = { noServer: true, maxPayload: maxMessage, perMessageDeflate: false };

const echo = new WebSocketServer({ ...settings, clientTracking: false });
echo.on('connection', (ws) => {
  ws.on('error', () => {});
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
});

const broadcast = new WebSocketServer(settings);
broadcast.on('connection', (ws) => {
  ws.on('error', () => {});
  ws.on('message', (data, isBinary) => {
    for (const client of broadcast.clients) {
      if (client.readyState === WebSocket.OPEN) {
        client.send(data, { binary: isBinary });
      }
    }
  });
});

const server = tls ? createSecureServer(tls) : createServer();
server.on('upgrade', (request, socket, head) => {
  const wss = request.url === '/broadcast' ? broadcast : echo;
  wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request));
});
server.listen({ host: hostname, port, backlog: 4096 }, () => {
  const { address, port } = server.address();
  console.log(`ws: listening on ${address}:${port}`);
});
