import { arHeaderLength, arMagic, maxArMembers, parseArHeader } from '../../deb/ar-header.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { createByteSource } from '../archives/byte-source.js';

/** One member of an ar archive, while it is the reader's turn. */
export interface ArMember {
  readonly name: string;
  readonly size: number;
  /** The content, once; whatever is not read of it is passed over. */
  content(): AsyncGenerator<Buffer, void>;
}

const chunkSize = 64 * 1024;

/**
 * Reads the members of an ar archive in the plain form that deb(5) asks for: names of at most 16 characters, no tables. The members come one
 * after the other, nothing is kept. Throws a reason for anything malformed, truncated, or after the last member.
 */
export async function* readAr(chunks: AsyncIterator<Buffer>): AsyncGenerator<ArMember, void> {
  const source = createByteSource(chunks);
  const head = await source.read(arMagic.length);
  if (head?.toString('latin1') !== arMagic) throw refusal('the file is not a Debian package: it does not begin as an ar archive');
  for (let count = 1; ; count += 1) {
    const header = await source.read(arHeaderLength);
    if (header === undefined) return;
    if (count > maxArMembers) throw limitExceeded(`the ar archive has more than ${maxArMembers} members`);
    const { name, size } = parseArHeader(header);
    let left = size;
    const content = async function* (): AsyncGenerator<Buffer, void> {
      while (left > 0) {
        const chunk = await source.read(Math.min(left, chunkSize));
        if (chunk === undefined) throw refusal('the ar archive is truncated');
        left -= chunk.length;
        yield chunk;
      }
    };
    yield { name, size, content };
    await source.skip(left);
    left = 0;
    if (size % 2 === 1) await source.skip(1);
  }
}
