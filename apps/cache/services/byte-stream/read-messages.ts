/** Bytes of one message: large enough that the price of a message does not count, small enough that a thousand readers do not fill the memory. */
const messageBytes = 256 * 1024;

/** Pieces of a size that makes good messages, of whatever pieces a store gives. */
export async function* inMessages(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for await (const piece of content) {
    let from = 0;
    while (bytes + piece.length - from >= messageBytes) {
      const to = from + messageBytes - bytes;
      yield joined([...waiting, piece.subarray(from, to)]);
      waiting = [];
      bytes = 0;
      from = to;
    }
    if (from === piece.length) continue;
    waiting.push(piece.subarray(from));
    bytes += piece.length - from;
  }
  if (bytes > 0) yield joined(waiting);
}

function joined(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}
