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

/** The longest piece, in bytes, that `payload` returns at once. */
export const maxPiece = period;

/** The bytes of the download at `offset`; the same for every member. At most `maxPiece` of them. */
export function payload(offset: number, length: number): Buffer {
  if (length > maxPiece) throw new RangeError(`a piece has at most ${maxPiece} bytes, not ${length}`);
  const start = offset % period;
  return pattern.subarray(start, start + length);
}

/** Compares a received chunk with the download at `offset`. Returns the offset of the first wrong byte, or -1 if all are right. */
export function firstWrongByte(offset: number, chunk: Buffer): number {
  for (let at = 0; at < chunk.length; at += maxPiece) {
    const part = chunk.subarray(at, at + maxPiece);
    const expected = payload(offset + at, part.length);
    if (!part.equals(expected)) return offset + at + part.findIndex((byte, i) => byte !== expected[i]);
  }
  return -1;
}
