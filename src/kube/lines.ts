/**
 * Splits a stream of UTF-8 bytes into lines, without their ends; empty lines are left out. A line that comes in many pieces is put
 * together once, at its end, so that a large object costs no more than its size.
 */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  let pieces: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = joined(pieces, chunk.subarray(start, end));
      pieces = [];
      start = end + 1;
      if (line) yield line;
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
  }
  const rest = joined(pieces, new Uint8Array());
  if (rest) yield rest;
}

function joined(pieces: Uint8Array[], last: Uint8Array): string {
  const bytes = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
