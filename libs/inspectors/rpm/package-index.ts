import { createHash } from 'node:crypto';
import type { SessionKnowledge } from '../../inspection/inspector.js';
import { limitExceeded } from '../../inspection/refusal.js';
import type { Checksum } from '../../rpm/metadata/checksum.js';
import type { ListedPackage } from '../../rpm/metadata/primary.js';

/** Knowledge of one repository's packages: which primary metadata it is of, and in how many parts it lies. */
interface IndexHead {
  /** `sha256:<hex>` of the primary metadata. */
  readonly primary: string;
  readonly parts: number;
  readonly packages: number;
}

/** A package in a part: short, because a large distribution has 100,000. */
type Row = readonly [name: string, epoch: number, version: string, release: string, arch: string, algorithm: Checksum['algorithm'], hex: string, href: string, base: string | null];

/** What a part is meant to have, in characters; each is read and parsed whole for one package. */
const partLength = 256 * 1024;
const maxParts = 512;
/** Bytes of one value of knowledge, with some room. */
const maxPartBytes = 4 * 1024 * 1024 - 1024;
const maxLength = 160 * 1024 * 1024;

/** How many packages this primary metadata has, when they are known already. */
export async function countKnownPackages(knowledge: SessionKnowledge, base: string, primary: Checksum): Promise<number | undefined> {
  const head = await readHead(knowledge, base);
  return head?.primary === describe(primary) ? head.packages : undefined;
}

/** Remembers where every package is and its digest, in place of what another primary metadata of the repository said. Returns how many there are. */
export async function rememberPackages(
  knowledge: SessionKnowledge,
  { base, primary, signal }: { readonly base: string; readonly primary: Checksum; readonly signal?: AbortSignal | undefined },
  packages: AsyncIterable<ListedPackage>,
): Promise<number> {
  const rows: { readonly name: string; readonly text: string }[] = [];
  let length = 0;
  for await (const listed of packages) {
    const text = JSON.stringify(toRow(listed));
    length += text.length;
    if (length > maxLength) throw limitExceeded('the primary metadata lists more packages than one session can remember');
    rows.push({ name: listed.name, text });
  }
  const head: IndexHead = { primary: describe(primary), parts: Math.min(maxParts, Math.max(1, Math.ceil(length / partLength))), packages: rows.length };
  const parts: string[][] = Array.from({ length: head.parts }, () => []);
  for (const { name, text } of rows) parts[partOf(name, head)]?.push(text);
  for (const [number, texts] of parts.entries()) {
    signal?.throwIfAborted();
    const value = `[${texts.join(',')}]`;
    if (Buffer.byteLength(value) > maxPartBytes) throw limitExceeded('the primary metadata lists more packages of one name than one session can remember');
    await knowledge.put(partKey(base, head, number), value);
  }
  // Last: whoever finds it finds all parts.
  await knowledge.put(headKey(base), JSON.stringify(head));
  return rows.length;
}

/** Every package of that name in the repository; undefined when its primary metadata were not seen in this session. */
export async function findPackages(knowledge: SessionKnowledge, base: string, name: string): Promise<readonly ListedPackage[] | undefined> {
  const head = await readHead(knowledge, base);
  if (head === undefined) return undefined;
  const value = await knowledge.get(partKey(base, head, partOf(name, head)));
  const rows = value === undefined ? [] : (JSON.parse(value) as readonly Row[]); // written by this file only
  return rows.filter((row) => row[0] === name).map(fromRow);
}

async function readHead(knowledge: SessionKnowledge, base: string): Promise<IndexHead | undefined> {
  const value = await knowledge.get(headKey(base));
  return value === undefined ? undefined : (JSON.parse(value) as IndexHead); // written by this file only
}

function toRow({ name, epoch, version, release, arch, checksum, href, base }: ListedPackage): Row {
  return [name, epoch, version, release, arch, checksum.algorithm, checksum.hex, href, base ?? null];
}

function fromRow([name, epoch, version, release, arch, algorithm, hex, href, base]: Row): ListedPackage {
  return { name, epoch, version, release, arch, checksum: { algorithm, hex }, href, ...(base === null ? {} : { base }) };
}

/** By name, so that all versions of a package are in one part. */
function partOf(name: string, { parts }: IndexHead): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0) % parts;
}

function describe({ algorithm, hex }: Checksum): string {
  return `${algorithm}:${hex}`;
}

function headKey(base: string): string {
  return `rpm/packages/${base}`;
}

function partKey(base: string, head: IndexHead, number: number): string {
  return `rpm/packages/${base}#${head.primary}#${number}`;
}
