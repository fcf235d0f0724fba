import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { createByteSource } from '../archives/byte-source.js';

/** One member of an ar archive, while it is the reader's turn. */
export interface ArMember {
  readonly name: string;
  readonly size: number;
  /** The content, once; whatever is not read of it is passed over. */
  content(): AsyncGenerator<Buffer, void>;
}

const magic = '!<arch>\n';
const maxMembers = 64;
const chunkSize = 64 * 1024;

/**
 * Reads the members of an ar archive in the plain form that deb(5) asks for: names of at most 16 characters, no tables. The members come one
 * after the other, nothing is kept. Throws a reason for anything malformed, truncated, or after the last member.
 */
export async function* readAr(chunks: AsyncIterator<Buffer>): AsyncGenerator<ArMember, void> {
  const source = createByteSource(chunks);
  const head = await source.read(magic.length);
  if (head?.toString('latin1') !== magic) throw refusal('the file is not a Debian package: it does not begin as an ar archive');
  for (let count = 1; ; count += 1) {
    const header = await source.read(60);
    if (header === undefined) return;
    if (count > maxMembers) throw limitExceeded(`the ar archive has more than ${maxMembers} members`);
    const { name, size } = parseHeader(header);
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

function parseHeader(header: Buffer): { name: string; size: number } {
  const text = header.toString('latin1');
  const name = text.slice(0, 16).trimEnd().replace(/\/$/, '');
  const size = text.slice(48, 58).trimEnd();
  if (text.slice(58) !== '`\n' || !/^[\x21-\x7e]+$/.test(name) || name.includes('/') || !/^\d{1,10}$/.test(size)) throw refusal('the ar archive has a malformed member header');
  return { name, size: Number(size) };
}
