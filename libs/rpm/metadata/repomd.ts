import { refusal } from '../../inspection/refusal.js';
import { parseChecksum, type Checksum } from './checksum.js';
import { attribute, onlyChild, readXmlRecords, wholeNumber, type RecordLimits, type XmlRecord } from './xml-records.js';

/** One file that a `repomd.xml` declares. */
export interface RepomdFile {
  /** `primary`, `filelists`, `group_gz`, `primary_db`, `modules`, … */
  readonly type: string;
  /** Relative to the repository (or to `base`). */
  readonly href: string;
  /** `xml:base`: another place than the repository. */
  readonly base?: string;
  /** Of the file as it is transferred. */
  readonly checksum: Checksum;
  /** Of the file unpacked. */
  readonly openChecksum?: Checksum;
  /** Bytes of the file. */
  readonly size?: number;
  /** Bytes of the file unpacked. */
  readonly openSize?: number;
  /** Seconds since 1970. */
  readonly timestamp?: number;
}

export interface Repomd {
  /** A number by convention, any text by fact. */
  readonly revision: string;
  readonly files: readonly RepomdFile[];
}

/** The largest known have some 40 files. */
const limits: RecordLimits = { records: 1000, elements: 1000, characters: 1024 * 1024, depth: 8, token: 256 * 1024 };

/** Reads `repomd.xml`, the root of an rpm-md repository. Throws a reason for whatever is none. */
export async function readRepomd(chunks: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<Repomd> {
  let revision = '';
  const files: RepomdFile[] = [];
  for await (const record of readXmlRecords(chunks, { root: 'repomd', limits, signal })) {
    if (record.name === 'revision') revision = record.text.slice(0, 256);
    if (record.name === 'data') files.push(parseFile(record));
  }
  const twice = files.find((file, index) => files.findIndex((other) => other.type === file.type) !== index);
  if (twice !== undefined) throw refusal(`the repomd.xml declares two files of the type ${twice.type}`);
  if (!files.some(({ type }) => type === 'primary')) throw refusal('the repomd.xml declares no primary metadata: the repository has no packages');
  return { revision, files };
}

function parseFile(record: XmlRecord): RepomdFile {
  const type = attribute(record, 'type');
  if (type === undefined || !/^[A-Za-z0-9_.+-]{1,128}$/.test(type)) throw refusal('the repomd.xml declares a file without a valid type');
  const location = onlyChild(record, 'location');
  const href = attribute(location, 'href');
  if (href === undefined || href === '' || href.length > 4096) throw refusal(`the repomd.xml does not say where its ${type} is`);
  const checksum = onlyChild(record, 'checksum');
  if (checksum === undefined) throw refusal(`the repomd.xml declares no checksum of its ${type}`);
  const base = attribute(location, 'xml:base');
  const openChecksum = onlyChild(record, 'open-checksum');
  const numbers = { size: wholeNumber(onlyChild(record, 'size')?.text), openSize: wholeNumber(onlyChild(record, 'open-size')?.text), timestamp: wholeNumber(onlyChild(record, 'timestamp')?.text) };
  return {
    type,
    href,
    checksum: parseChecksum(checksum),
    ...(base === undefined ? {} : { base: base.slice(0, 4096) }),
    ...(openChecksum === undefined ? {} : { openChecksum: parseChecksum(openChecksum) }),
    ...Object.fromEntries(Object.entries(numbers).filter(([, number]) => number !== undefined)),
  };
}
