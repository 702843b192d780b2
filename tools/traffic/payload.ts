import { setTimeout as delay } from 'node:timers/promises';

/** A prime, so that the pattern lines up with no buffer, packet or page and a shifted or repeated part can't pass for the right one. */
const period = 65_521;

/** Twice the period of fixed pseudo-random bytes (an xorshift), so that any slice up to one period long is one subarray. */
const pattern = (() => {
  const bytes = Buffer.alloc(2 * period);
  let state = 0x2545f491;
  for (let i = 0; i < period; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
    bytes[period + i] = state & 0xff;
  }
  return bytes;
})();

/** The bytes of the download at `offset`; the same for every member. At most a period of them. */
function payload(offset: number, length: number): Buffer {
  const start = offset % period;
  return pattern.subarray(start, start + length);
}

/** The first `bytes` bytes of the download, in pieces spread evenly over `seconds`, twenty a second. */
export async function* payloadOver(bytes: number, seconds: number): AsyncGenerator<Buffer> {
  const ticks = Math.max(1, Math.round(seconds * 20));
  const startedAt = performance.now();
  let sent = 0;
  for (let tick = 1; tick <= ticks; tick++) {
    const until = Math.floor((bytes * tick) / ticks);
    while (sent < until) {
      const piece = payload(sent, Math.min(period, until - sent));
      sent += piece.length;
      yield piece;
    }
    const waitMs = startedAt + (seconds * 1000 * tick) / ticks - performance.now();
    if (waitMs > 0) await delay(waitMs);
  }
}

/** Compares a received chunk with the download at `offset`. Returns the offset of the first wrong byte, or -1 if all are right. */
export function firstWrongByte(offset: number, chunk: Buffer): number {
  for (let at = 0; at < chunk.length; at += period) {
    const part = chunk.subarray(at, at + period);
    const expected = payload(offset + at, part.length);
    if (!part.equals(expected)) return offset + at + part.findIndex((byte, i) => byte !== expected[i]);
  }
  return -1;
}
