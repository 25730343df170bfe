// Bun's server, which is uWebSockets underneath, with its own publish for the
// topic. Bun answers all that came with one read with one write.

import { maxMessage, options } from './options.mjs';

const topic = 'all';

const server = Bun.serve({
  ...options(),
  fetch(request, server) {
    const data = { subscribed: new URL(request.url).pathname === '/broadcast' };
    return server.upgrade(request, { data }) ? undefined : new Response('expected a WebSocket', { status: 400 });
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0, // never
    maxPayloadLength: maxMessage,
    backpressureLimit: maxMessage, // else messages to a slow reader are dropped
    open(ws) {
      if (ws.data.subscribed) {
        ws.subscribe(topic);
      }
    },
    message(ws, message) {
      if (ws.data.subscribed) {
        server.publish(topic, message); // the server's reaches the sender too
      } else {
        ws.send(message);
      }
    },
  },
});

console.log(`bun: listening on ${server.hostname}:${server.port}`);
