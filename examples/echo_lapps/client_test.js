// Runs the script of client.html without a browser, against a server:
//
//   npm install --prefix ../client && node client_test.js ws://127.0.0.1:5083/echo_lapps
//
// The document is one that keeps what it is told, and a second passes when we say so.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");
const {WebSocket} = require(path.join(__dirname, "../client/node_modules/ws"));

const page = fs.readFileSync(path.join(__dirname, "client.html"), "utf8");
const [, script] = /<script>\n([^]*)<\/script>/.exec(page);

// An element has what the page uses of one.
function element(tag, value) {
  const drawn = [];
  return {
    tag, value, checked: false, textContent: "", children: [], width: 880, height: 200, drawn,
    prepend(child) { this.children.unshift(child); },
    get lastElementChild() { return {remove: () => this.children.pop()}; },
    getContext: () => ({clearRect() { drawn.length = 0; }, fillRect(...r) { drawn.push(r); }}),
  };
}

const elements = {};
for (const [tag, attributes] of page.matchAll(/<\w+ [^>]*\bid="\w+"[^>]*>/g)) {
  const attribute = (name) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
  elements[attribute("id")] = Object.assign(element(tag, attribute("value")), {checked: / checked/.test(tag)});
}
let second;
const document = {
  getElementById: (id) => elements[id] ?? assert.fail(`there is no element ${id}`),
  createElement: (tag) => element(tag),
};
vm.runInNewContext(script, {document, WebSocket, CBOR: require("./cbor.js"), setInterval(f) { second = f; }});

const submit = () => elements.form.onsubmit({preventDefault() {}});
const shown = () => elements.notifications.children.map((line) => line.textContent);

async function until(what, f) {
  for (const end = Date.now() + 30000; !f(); await new Promise((r) => setTimeout(r, 2))) {
    if (Date.now() > end) assert.fail(`never happened: ${what}; the state is ${elements.state.textContent}`);
  }
}

async function run() {
  elements.url.value = "nowhere";
  submit();
  assert.match(elements.state.textContent, /Invalid URL/);
  elements.url.value = process.argv[2];

  elements.password.value = "wrong";
  submit();
  await until("a wrong password is refused", () => elements.button.textContent === "Connect" && elements.state.textContent !== "connecting");
  assert.equal(elements.state.textContent, "-32000 wrong user or password");

  elements.password.value = "admin";
  submit();
  await until("the page logs in", () => elements.state.textContent === "logged in");
  assert.equal(elements.button.textContent, "Disconnect");
  await until("it is told the time", () => shown().some((line) => line.startsWith("5: Server time: ")));
  second();
  assert.match(elements.rate.textContent, /^[1-9][\d,]* requests per second, [1-9][\d,]* at most in the last minute$/);
  assert.equal(elements.chart.drawn.length, 1);

  elements.cid7.checked = true;
  elements.cid7.onchange();
  await until("a large one comes", () => shown().some((line) => /^7: \d+, 300,000 characters$/.test(line)));
  for (let i = 0; i < 100; i++) second();
  assert.equal(elements.chart.drawn.length, 60);

  submit();
  await until("the page disconnects", () => elements.button.textContent === "Connect");
  assert.match(elements.state.textContent, /^closed 1000/);
  console.log("ok");
}

run().catch((e) => {
  console.error(e);
  process.exit(1);
});
