// CBOR (RFC 8949) as far as the LAppS protocol has it: section 2 of protocol/rpc/SPEC.md.
//
//   CBOR.encode(value)   a Uint8Array
//   CBOR.decode(data)    the value in an ArrayBuffer or Uint8Array; throws where it is anything else
//
// Arrays and strings are what they are in JSON, maps are objects, byte strings Uint8Arrays.
// Integers beyond 2^53 are BigInts, both ways. For <script src="cbor.js">, and require().
"use strict";

const CBOR = (() => {
  const maxDepth = 64; // levels of arrays and maps, as the server has it
  const maxItems = 131072;

  const toBytes = new TextEncoder();
  const toText = new TextDecoder("utf-8", {fatal: true, ignoreBOM: true});

  // The seven kinds of data items there are, but for tags.
  const unsigned = 0, negative = 1, byteString = 2, textString = 3, array = 4, map = 5, tag = 6, simple = 7;

  // A Writer is what encode writes to.
  class Writer {
    constructor() {
      this.bytes = new Uint8Array(256);
      this.view = new DataView(this.bytes.buffer);
      this.length = 0;
    }

    // grow makes room for n bytes, and returns where they go. bytes and view may be others then.
    grow(n) {
      const at = this.length;
      this.length += n;
      if (this.length > this.bytes.length) {
        const wider = new Uint8Array(2 * this.length);
        wider.set(this.bytes);
        this.bytes = wider;
        this.view = new DataView(wider.buffer);
      }
      return at;
    }

    byte(x) {
      const at = this.grow(1);
      this.bytes[at] = x;
    }

    // head writes a kind and its number, an integer, in the shortest form.
    head(kind, x) {
      const first = kind << 5;
      if (x < 24) {
        this.byte(first | Number(x));
      } else if (x < 2 ** 8) {
        this.byte(first | 24);
        this.byte(Number(x));
      } else if (x < 2 ** 16) {
        this.byte(first | 25);
        const at = this.grow(2);
        this.view.setUint16(at, Number(x));
      } else if (x < 2 ** 32) {
        this.byte(first | 26);
        const at = this.grow(4);
        this.view.setUint32(at, Number(x));
      } else {
        this.byte(first | 27);
        const at = this.grow(8);
        this.view.setBigUint64(at, BigInt(x));
      }
    }

    string(kind, bytes) {
      this.head(kind, bytes.length);
      const at = this.grow(bytes.length);
      this.bytes.set(bytes, at);
    }

    number(x) {
      if (Number.isSafeInteger(x) && !Object.is(x, -0)) {
        this.integer(x, x < 0, -1 - x);
      } else {
        this.byte(0xfb);
        const at = this.grow(8);
        this.view.setFloat64(at, x);
      }
    }

    integer(x, below0, complement) {
      if (below0) this.head(negative, complement);
      else this.head(unsigned, x);
    }

    bigint(x) {
      if (x < -(2n ** 63n) || x >= 2n ** 64n) throw new RangeError("CBOR: an integer is beyond 64 bits");
      this.integer(x, x < 0n, -1n - x);
    }

    value(v, depth) {
      if (v === null) this.byte(0xf6);
      else if (typeof v === "boolean") this.byte(v ? 0xf5 : 0xf4);
      else if (typeof v === "number") this.number(v);
      else if (typeof v === "bigint") this.bigint(v);
      else if (typeof v === "string") this.string(textString, toBytes.encode(v));
      else if (v instanceof Uint8Array) this.string(byteString, v);
      else if (typeof v === "object") this.container(v, depth);
      else throw new TypeError("CBOR: there is no form for " + typeof v);
    }

    // container writes an array or an object; what is undefined in an object is left out.
    container(v, depth) {
      if (depth > maxDepth) throw new RangeError(`CBOR: nested more than ${maxDepth} deep`);
      if (Array.isArray(v)) {
        this.head(array, v.length);
        for (const element of v) this.value(element, depth + 1);
        return;
      }
      const members = Object.entries(v).filter(([, member]) => member !== undefined);
      this.head(map, members.length);
      for (const [key, member] of members) {
        this.string(textString, toBytes.encode(key));
        this.value(member, depth + 1);
      }
    }
  }

  // end is what ends something of indefinite length.
  const end = Symbol("end");

  // A Reader is what decode reads from.
  class Reader {
    constructor(bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.at = 0;
      this.items = 0;
    }

    fail(why) {
      throw new SyntaxError(`CBOR: ${why}, before byte ${this.at}`);
    }

    // take passes over n bytes, and returns where they began.
    take(n) {
      if (n > this.bytes.length - this.at) this.fail("the data ends within an item");
      this.at += n;
      return this.at - n;
    }

    // number reads what belongs to a first byte: its number, or Infinity for an indefinite length.
    number(info) {
      switch (info) {
        case 24: return this.view.getUint8(this.take(1));
        case 25: return this.view.getUint16(this.take(2));
        case 26: return this.view.getUint32(this.take(4));
        case 27: {
          const x = this.view.getBigUint64(this.take(8));
          return x <= Number.MAX_SAFE_INTEGER ? Number(x) : x;
        }
        case 28: case 29: case 30: return this.fail("a first byte that means nothing");
        case 31: return Infinity;
        default: return info;
      }
    }

    // item reads an item, or an end.
    item(depth) {
      const first = this.view.getUint8(this.take(1));
      if (first === 0xff) return end;
      if (++this.items > maxItems) this.fail(`more than ${maxItems} items`);
      const kind = first >> 5, info = first & 31;
      if (kind === tag) this.fail("a tag");
      if (kind === simple) return this.simple(info);
      const n = this.number(info);
      switch (kind) {
        case unsigned: case negative: return this.integer(n, kind === negative);
        case byteString: case textString: return this.string(n, kind);
      }
      if (depth > maxDepth) this.fail(`nested more than ${maxDepth} deep`);
      if (n !== Infinity && n > this.bytes.length - this.at) this.fail("the data ends within an item");
      return kind === array ? this.array(n, depth) : this.map(n, depth);
    }

    // value reads an item that has to be there.
    value(depth) {
      const v = this.item(depth);
      if (v === end) this.fail("an end of nothing");
      return v;
    }

    integer(n, below0) {
      if (n === Infinity) this.fail("a first byte that means nothing");
      if (!below0) return n;
      if (typeof n === "number") return -1 - n;
      if (n >= 2n ** 63n) this.fail("an integer below -2^63");
      return -1n - n;
    }

    // string reads a string, or the chunks of one.
    string(n, kind) {
      if (n !== Infinity) return this.chunk(n, kind);
      const chunks = [];
      for (;;) {
        const first = this.view.getUint8(this.take(1));
        if (first === 0xff) break;
        if (first >> 5 !== kind || (first & 31) === 31) this.fail("a chunk that is no string of its kind");
        chunks.push(this.chunk(this.number(first & 31), kind));
      }
      if (kind === textString) return chunks.join("");
      const all = new Uint8Array(chunks.reduce((sum, c) => sum + c.length, 0));
      let at = 0;
      for (const c of chunks) {
        all.set(c, at);
        at += c.length;
      }
      return all;
    }

    chunk(n, kind) {
      const from = this.take(n);
      if (kind === byteString) return this.bytes.slice(from, this.at);
      try {
        return toText.decode(this.bytes.subarray(from, this.at));
      } catch {
        return this.fail("a text that is not UTF-8");
      }
    }

    array(n, depth) {
      const all = [];
      while (all.length < n) {
        const v = this.item(depth + 1);
        if (v === end && n === Infinity) break;
        if (v === end) this.fail("an end of nothing");
        all.push(v);
      }
      return all;
    }

    map(n, depth) {
      const members = new Map();
      while (members.size < n) {
        const key = this.item(depth + 1);
        if (key === end && n === Infinity) break;
        if (typeof key !== "string") this.fail("a key that is no text");
        if (members.has(key)) this.fail("a key that was there before");
        members.set(key, this.value(depth + 1));
      }
      return Object.fromEntries(members);
    }

    simple(info) {
      switch (info) {
        case 20: return false;
        case 21: return true;
        case 22: return null;
        case 25: return half(this.view.getUint16(this.take(2)));
        case 26: return this.view.getFloat32(this.take(4));
        case 27: return this.view.getFloat64(this.take(8));
        default: return this.fail("a simple value other than false, true and null");
      }
    }
  }

  // half is the value of a float of 16 bits: sign, 5 bits of exponent, 10 of fraction.
  function half(bits) {
    const sign = bits & 0x8000 ? -1 : 1, exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  }

  return {
    encode(value) {
      const w = new Writer();
      w.value(value, 1);
      return w.bytes.slice(0, w.length);
    },

    decode(data) {
      const r = new Reader(data instanceof Uint8Array ? data : new Uint8Array(data));
      const v = r.value(1);
      if (r.at !== r.bytes.length) r.fail("something behind the item");
      return v;
    },
  };
})();

if (typeof module === "object") module.exports = CBOR;
