import { once } from 'node:events';
import type { Socket } from 'node:net';

const signatureV2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** The longest version 1 line, with its CRLF (PROXY protocol specification, section 2.1). */
const longestV1 = 107;

/** What a PROXY header says: the client's address (undefined for LOCAL and UNKNOWN) and the header's length in bytes. */
export interface ProxyHeader {
  source: string | undefined;
  length: number;
}

/**
 * Parses a PROXY protocol header, version 1 or 2 (HAProxy's proxy-protocol.txt, sections 2.1 and 2.2), at the start of `data`.
 * Returns undefined while more bytes are needed. Throws where the bytes are no such header.
 */
export function parseProxyHeader(data: Buffer): ProxyHeader | undefined {
  const head = data.subarray(0, signatureV2.length);
  if (head.equals(signatureV2.subarray(0, head.length))) return parseV2(data);
  const text = data.toString('latin1', 0, longestV1);
  if (!'PROXY '.startsWith(text.slice(0, 6))) throw new Error('the connection does not start with a PROXY header');
  const end = text.indexOf('\r\n');
  if (end < 0) {
    if (text.length >= longestV1) throw new Error('the PROXY header of version 1 does not end');
    return undefined;
  }
  const [, family, source] = text.slice(0, end).split(' ');
  return { source: family === 'TCP4' || family === 'TCP6' ? source : undefined, length: end + 2 };
}

function parseV2(data: Buffer): ProxyHeader | undefined {
  if (data.length < 16) return undefined;
  const length = 16 + data.readUInt16BE(14);
  if (data.length < length) return undefined;
  const isLocal = (data[12]! & 0x0f) === 0;
  const family = data[13]! >> 4;
  let source: string | undefined;
  if (!isLocal && family === 1) source = [...data.subarray(16, 20)].join('.');
  if (!isLocal && family === 2) source = Array.from({ length: 8 }, (_, i) => data.readUInt16BE(16 + 2 * i).toString(16)).join(':');
  return { source, length };
}

/**
 * Reads the PROXY header from a fresh connection and leaves what follows it to be read. Returns the client's address, or undefined
 * where the header names none. Rejects when the connection ends or says something else first.
 */
export async function readProxyHeader(socket: Socket): Promise<string | undefined> {
  let data = Buffer.alloc(0);
  for (;;) {
    const chunk: Buffer | null = socket.read();
    if (chunk) data = Buffer.concat([data, chunk]);
    const header = data.length > 0 ? parseProxyHeader(data) : undefined;
    if (header) {
      if (data.length > header.length) socket.unshift(data.subarray(header.length));
      return header.source;
    }
    if (socket.readableEnded || socket.destroyed) throw new Error('the connection ended within its PROXY header');
    await once(socket, 'readable');
  }
}
