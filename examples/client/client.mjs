// A client for trying services that speak the LAppS protocol:
//
//   npm install                                   (once, in this directory)
//   node client.mjs ws://127.0.0.1:5083/chat
//
// Each line is a method and its parameters, in JSON. A number before the method
// makes it a notification with that cid, which is not answered:
//
//   name "ann"
//   join "lobby"
//   5 subscribe
//
// What comes back is written as it comes: "<" a response, "!" an error, and the
// cid before a notification. The end of the input closes the connection.
import {createInterface} from "node:readline";
import {decode, encode} from "cbor-x";
import WebSocket from "ws";

const url = process.argv[2];
if (!url) {
  console.error("usage: node client.mjs ws://HOST:PORT/SERVICE");
  process.exit(2);
}

const socket = new WebSocket(url);
let unanswered = 0; // requests whose response has not come yet
let ended = false; // there is no more input

// json is how a line is written; integers beyond 2^53 come as BigInts.
const json = (v) => JSON.stringify(v, (_, x) => (typeof x === "bigint" ? Number(x) : x));

function finish() {
  if (ended && unanswered === 0) socket.close(1000);
}

// parse makes a message of a line: [cid] method [parameter …].
function parse(line) {
  const [, cid, method, rest] = /^\s*(?:(\d+)\s+)?(\S+)\s*(.*)$/.exec(line);
  const message = {lapps: 1, method};
  if (cid !== undefined) message.cid = Number(cid);
  if (rest) message.params = JSON.parse("[" + rest + "]");
  return message;
}

socket.on("open", () => {
  const lines = createInterface({input: process.stdin});
  lines.on("line", (line) => {
    if (!line.trim()) return;
    let message;
    try {
      message = parse(line);
    } catch (e) {
      console.error("parameters are JSON, with commas between them: " + e.message);
      return;
    }
    if (message.cid === undefined) unanswered++;
    socket.send(encode(message));
  });
  lines.on("close", () => {
    ended = true;
    finish();
  });
});

socket.on("message", (data) => {
  const m = decode(data);
  if (m.cid !== 0) {
    console.log(`${m.cid} ${json(m.status === 0 ? m.error : m.message)}`);
    return;
  }
  console.log(m.status === 1 ? `< ${json(m.result)}` : `! ${json(m.error)}`);
  unanswered--;
  finish();
});

socket.on("close", (code, reason) => console.log(`closed ${code} ${reason}`));
socket.on("error", (e) => console.error(e.message));
