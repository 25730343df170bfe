// The options of both servers:
//
//   -addr 127.0.0.1:5083 [-cert cert.pem -key key.pem]

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

// Bytes a message may have.
export const maxMessage = 16 << 20;

// options returns { hostname, port, tls }, tls being { cert, key } or undefined.
export function options() {
  // -addr, as the others have it, is --addr to parseArgs.
  const args = process.argv.slice(2).map((arg) => arg.replace(/^-(?=\w\w)/, '--'));
  const string = { type: 'string' };
  const { values } = parseArgs({ args, options: { addr: string, cert: string, key: string } });
  const [, hostname, port] = /^\[?(.*?)\]?:(\d+)$/.exec(values.addr ?? '') ?? [];
  if (port === undefined || !values.cert !== !values.key) {
    throw new Error('expected -addr HOST:PORT, and -cert and -key together');
  }
  const tls = values.cert && { cert: readFileSync(values.cert), key: readFileSync(values.key) };
  return { hostname, port: Number(port), tls };
}
