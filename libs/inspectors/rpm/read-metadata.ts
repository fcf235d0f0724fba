import { createHash } from 'node:crypto';
import type { InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readFilelists, readOther } from '../../rpm/metadata/filelists-and-other.js';
import { readPackageList } from '../../rpm/metadata/primary.js';
import { decompress, sniffCompression } from '../archives/decompress.js';
import type { ClientView } from './client-view.js';
import type { Declared } from './declared-metadata.js';
import { countKnownPackages, rememberPackages } from './package-index.js';

/** Unpacked. The largest primary metadata known have some 250 MB; XML packs 1 to 30 at best, and repetitive XML better than that. */
const unpackLimits = { unpackedBytes: 2 * 1024 ** 3, ratio: 500, ratioFrom: 64 * 1024 * 1024 };
/** File lists and changelogs teach nothing that is checked later: larger ones are believed by their digest alone, which saves their seconds. */
const readUpTo = 32 * 1024 * 1024;

/** What was done with a metadata file whose digest holds. */
export interface MetadataContents {
  /** Whether it was read, or is believed by its digest alone. */
  readonly read: boolean;
  readonly packages?: number;
}

/** Reads a declared file as far as the session needs it. Throws a reason when it is not what it should be. */
export async function readMetadata(view: ClientView, { repository, file }: Declared, context: InspectionContext): Promise<MetadataContents> {
  switch (file.type) {
    case 'primary':
      return { read: true, packages: await learnPackages(view, { repository, file }, context) };
    case 'filelists':
    case 'other':
      return file.openSize !== undefined && file.openSize <= readUpTo ? { read: true, packages: await countPackages(view, file, context) } : { read: false };
    default:
      return { read: false };
  }
}

async function learnPackages(view: ClientView, { repository, file }: Declared, context: InspectionContext): Promise<number> {
  const { knowledge, signal } = context;
  const { base } = repository;
  const known = await countKnownPackages(knowledge, base, file.checksum);
  if (known !== undefined) return known;
  const unpacked = unpack(view, file, signal);
  let announced: number | undefined;
  const packages = readPackageList(unpacked.chunks, { signal, onCount: (count) => (announced = count) });
  const remembered = await rememberPackages(knowledge, { base, primary: file.checksum, signal }, checkedAtEnd(packages, unpacked.check));
  if (announced !== undefined && announced !== remembered) throw refusal(`the primary metadata announces ${announced} packages, but lists ${remembered}`);
  return remembered;
}

async function countPackages(view: ClientView, file: Declared['file'], { signal }: InspectionContext): Promise<number> {
  const unpacked = unpack(view, file, signal);
  const packages = file.type === 'filelists' ? readFilelists(unpacked.chunks, signal) : readOther(unpacked.chunks, signal);
  return drain(checkedAtEnd<unknown>(packages, unpacked.check));
}

async function drain(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _item of items) count += 1;
  return count;
}

async function* checkedAtEnd<Item>(items: AsyncIterable<Item>, check: () => void): AsyncGenerator<Item, void> {
  yield* items;
  check();
}

interface Unpacked {
  readonly chunks: AsyncIterable<Buffer>;
  /** Throws when what was read is not what the repomd.xml declares of the file unpacked. */
  readonly check: () => void;
}

function unpack(view: ClientView, { openChecksum, type }: Declared['file'], signal: AbortSignal | undefined): Unpacked {
  const hash = openChecksum === undefined ? undefined : createHash(openChecksum.algorithm);
  async function* chunks(): AsyncGenerator<Buffer> {
    const compression = sniffCompression(await view.head());
    for await (const chunk of decompress(view.open(), { compression, packedSize: view.body.size, limits: unpackLimits, ...(signal === undefined ? {} : { signal }) })) {
      hash?.update(chunk);
      yield chunk;
    }
  }
  return {
    chunks: chunks(),
    check: () => {
      if (hash !== undefined && hash.digest('hex') !== openChecksum?.hex) throw refusal(`the ${type} metadata unpacked do not have the open-checksum that the repomd.xml declares`);
    },
  };
}
