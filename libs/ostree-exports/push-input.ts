import { invalidOstree } from '../ostree/invalid-ostree.js';

/** Bytes of a client as they come: frames and members of archives are read from the same stream. */
export interface PushInput {
  /** Undefined: the client has ended before the first of them. Errors: `source-invalid` when it ends within them. */
  exactly(size: number): Promise<Buffer | undefined>;
  /** In pieces as they come. Errors: `source-invalid` when the client ends before. */
  pieces(size: number): AsyncIterable<Buffer>;
  /** Takes so many bytes while they begin with a zero, as the rest of an archive does and no frame. */
  skipZeros(block: number): Promise<void>;
}

export function pushInput(source: AsyncIterable<Buffer>): PushInput {
  const iterator = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);

  async function filled(): Promise<boolean> {
    while (held.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return false;
      held = next.value;
    }
    return true;
  }

  async function* pieces(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0; ) {
      if (!(await filled())) throw invalidOstree('a push that ends in the middle');
      const piece = held.subarray(0, left);
      held = held.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async function exactly(size: number): Promise<Buffer | undefined> {
    if (size > 0 && !(await filled())) return undefined;
    const chunks: Buffer[] = [];
    for await (const piece of pieces(size)) chunks.push(piece);
    return Buffer.concat(chunks);
  }

  return {
    exactly,
    pieces,
    async skipZeros(block) {
      while ((await filled()) && held.readUInt8(0) === 0) await exactly(block);
    },
  };
}
