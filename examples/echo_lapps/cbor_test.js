// Tests of cbor.js: node cbor_test.js. The vectors are those of the protocol.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const CBOR = require("./cbor.js");

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));

// Each is a value and its only form here (RFC 8949, appendix A).
for (const [value, form] of [
  [0, "00"], [23, "17"], [24, "1818"], [255, "18ff"], [256, "190100"], [65535, "19ffff"], [65536, "1a00010000"],
  [4294967295, "1affffffff"], [4294967296, "1b0000000100000000"], [Number.MAX_SAFE_INTEGER, "1b001fffffffffffff"],
  [-1, "20"], [-24, "37"], [-25, "3818"], [-100, "3863"], [-1000, "3903e7"], [Number.MIN_SAFE_INTEGER, "3b001ffffffffffffe"],
  [2n ** 53n, "1b0020000000000000"], [2n ** 64n - 1n, "1bffffffffffffffff"], [-(2n ** 63n), "3b7fffffffffffffff"],
  [1.5, "fb3ff8000000000000"], [-0, "fb8000000000000000"], [1e300, "fb7e37e43c8800759c"], [Infinity, "fb7ff0000000000000"],
  [false, "f4"], [true, "f5"], [null, "f6"], ["", "60"], ["ü水𐅑", "69c3bce6b0b4f0908591"], ["\ufeffx", "64efbbbf78"],
  [new Uint8Array([1, 2]), "420102"], [[], "80"], [[1, [2, 3]], "8201820203"], [{}, "a0"], [{a: 1, b: [2]}, "a26161016162" + "8102"],
  [JSON.parse('{"__proto__": 1}'), "a1695f5f70726f746f5f5f01"],
]) {
  assert.equal(hex(CBOR.encode(value)), form);
  assert.deepEqual(CBOR.decode(bytes(form)), value);
}

// These have other forms, too.
for (const [form, value] of [
  ["1800", 0], ["1b0000000000000001", 1], ["f90000", 0], ["f93c00", 1], ["f97bff", 65504], ["f90001", 2 ** -24], ["f90400", 2 ** -14],
  ["f9c400", -4], ["f97c00", Infinity], ["f9fc00", -Infinity], ["fa47c35000", 100000], ["7f61616162ff", "ab"], ["7fff", ""],
  ["5f41014102ff", new Uint8Array([1, 2])], ["9f01ff", [1]], ["bf616101ff", {a: 1}], ["9fff", []], ["bfff", {}],
]) {
  assert.deepEqual(CBOR.decode(bytes(form)), value, form);
}
assert.ok(Number.isNaN(CBOR.decode(bytes("f97e00"))));
assert.deepEqual(CBOR.decode(bytes("8101").buffer), [1]); // what a WebSocket gives
assert.equal(hex(CBOR.encode({a: undefined, b: 1})), "a1616201");

// What is larger than the buffer that encode begins with.
const large = {text: "é".repeat(1000), numbers: Array.from({length: 3000}, (_, i) => i * i * 1001 - 1e6), bytes: new Uint8Array(70000).fill(7), halves: [0.5, -0.5]};
assert.deepEqual(CBOR.decode(CBOR.encode(large)), large);

// Every vector of the protocol: what is no CBOR of it is refused, all else survives a round trip.
const vectors = JSON.parse(fs.readFileSync(path.join(__dirname, "../../protocol/rpc/testdata/vectors.json"), "utf8"));
let refused = 0;
for (const v of vectors) {
  const encoded = bytes(v.hex);
  if (v.error?.code === -32700) {
    assert.throws(() => CBOR.decode(encoded), {name: "SyntaxError"}, v.name);
    refused++;
    continue;
  }
  const value = CBOR.decode(encoded);
  assert.deepEqual(CBOR.decode(CBOR.encode(value)), value, v.name);
  for (let n = 0; n < Math.min(encoded.length, 200); n++) {
    assert.throws(() => CBOR.decode(encoded.subarray(0, n)), {name: "SyntaxError"}, `${n} bytes of ${v.name}`);
  }
}
assert.ok(vectors.length > 200 && refused > 50);

// Whatever a message says, what it has decides how much is looked at.
for (const form of ["9bffffffffffffffff", "bbffffffffffffffff", "7bffffffffffffffff", "5b7fffffffffffffff", "9affffffff00", "baffffffff", "81".repeat(100000) + "00"]) {
  assert.throws(() => CBOR.decode(bytes(form)), {name: "SyntaxError"}, form.slice(0, 40));
}

// Bytes by chance: nothing but a SyntaxError, and what is taken survives.
let seed = 1;
const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648);
for (let i = 0; i < 20000; i++) {
  const data = new Uint8Array(random() % 40).map(() => random() >> 8);
  let value;
  try {
    value = CBOR.decode(data);
  } catch (e) {
    assert.equal(e.name, "SyntaxError");
    continue;
  }
  assert.deepEqual(CBOR.decode(CBOR.encode(value)), value);
}

for (const [value, name] of [[undefined, "TypeError"], [() => 0, "TypeError"], [2n ** 64n, "RangeError"], [-(2n ** 63n) - 1n, "RangeError"]]) {
  assert.throws(() => CBOR.encode([value]), {name});
}
const endless = [];
endless.push(endless);
assert.throws(() => CBOR.encode(endless), {name: "RangeError"});
console.log("ok");
