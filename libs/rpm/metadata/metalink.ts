import { refusal } from '../../inspection/refusal.js';
import { parseChecksum, type Checksum } from './checksum.js';
import { attribute, readXmlRecords, wholeNumber, type RecordLimits, type XmlRecord } from './xml-records.js';

/** What a metalink (version 3, as mirror managers of distributions write it) says of `repomd.xml`. */
export interface Metalink {
  /** URLs of the file, at mirrors, in the order of the document; http and https only. */
  readonly urls: readonly string[];
  /** One list a version of the file that mirrors may still have, the newest first. All digests of one list must hold. */
  readonly alternatives: readonly { readonly checksums: readonly Checksum[]; readonly size?: number }[];
}

const limits: RecordLimits = { records: 64, elements: 20_000, characters: 8 * 1024 * 1024, depth: 12, token: 256 * 1024 };
const maxUrls = 2000;

/** Reads a metalink. Throws a reason for whatever is none of a `repomd.xml`. */
export async function readMetalink(chunks: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<Metalink> {
  for await (const record of readXmlRecords(chunks, { root: 'metalink', limits, signal })) {
    const file = record.name === 'files' ? record.children.find((child) => child.name === 'file' && attribute(child, 'name') === 'repomd.xml') : undefined;
    if (file !== undefined) return parseFile(file);
  }
  throw refusal('the metalink is not of a repomd.xml');
}

function parseFile(file: XmlRecord): Metalink {
  const older = file.children.filter(({ name }) => name === 'mm0:alternates').flatMap(({ children }) => children.filter(({ name }) => name === 'mm0:alternate'));
  const alternatives = [file, ...older].map(parseAlternative);
  if (alternatives.some(({ checksums }) => checksums.length === 0)) throw refusal('the metalink declares no digest of the repomd.xml');
  const resources = file.children.filter(({ name }) => name === 'resources').flatMap(({ children }) => children);
  const urls = resources.filter(({ name, text }) => name === 'url' && /^https?:\/\//.test(text) && text.length <= 4096).map(({ text }) => text);
  return { urls: urls.slice(0, maxUrls), alternatives };
}

function parseAlternative(record: XmlRecord): Metalink['alternatives'][number] {
  const hashes = record.children.filter(({ name }) => name === 'verification').flatMap(({ children }) => children.filter(({ name }) => name === 'hash'));
  const size = wholeNumber(record.children.find(({ name }) => name === 'size')?.text);
  return { checksums: hashes.map(parseChecksum), ...(size === undefined ? {} : { size }) };
}
