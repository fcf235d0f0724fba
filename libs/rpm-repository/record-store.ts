import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { isMissing } from '../errors/system-error.js';
import { touch, writeCacheFile } from './cache-files.js';
import { decodePackIndex, encodePack, packIndexLength, packPrefixLength, type RecordPlace } from './record-pack.js';

/** Records by the SHA-256 of their packages, in packs of many: ten thousand small files would cost more than reading the packages again. */
export interface RecordStore {
  /** Undefined when it is not there, or damaged. */
  get(sha256: string): Buffer | undefined;
  put(sha256: string, record: Buffer): void;
  /** Writes what was put. Errors: `storage-full`. */
  flush(): void;
  /** Looks for packs of other processes, and forgets those that were removed. */
  refresh(): void;
  close(): void;
}

interface Pack {
  readonly file: string;
  readonly descriptor: number;
  readonly size: number;
  readonly places: Map<string, RecordPlace>;
  used: boolean;
}

const packEnding = '.pack';
/** What waits in memory at most. */
const pendingBytes = 16 * 1024 * 1024;
/** When there are more small packs than this, the smallest are made into one, as far as that takes no more memory than this. */
const maxSmallPacks = 32;
const smallPackBytes = 64 * 1024 * 1024;
const mergedBytes = 128 * 1024 * 1024;

export function openRecordStore(directory: string): RecordStore {
  const packs = new Map<string, Pack>();
  let pending = new Map<string, Buffer>();
  let waiting = 0;
  let opened = false;

  function refresh(): void {
    opened = true;
    const names = new Set(listPacks(directory));
    for (const [name, pack] of packs) {
      pack.used = false;
      if (!names.has(name)) forget(name, pack);
    }
    for (const name of names) {
      if (packs.has(name)) continue;
      const pack = openPack(path.join(directory, name));
      if (pack !== undefined) packs.set(name, pack);
    }
  }

  function forget(name: string, { descriptor }: Pack): void {
    packs.delete(name);
    closeSync(descriptor);
  }

  function find(sha256: string): Buffer | undefined {
    for (const pack of packs.values()) {
      const place = pack.places.get(sha256);
      if (place === undefined) continue;
      const record = readRecord(pack, place);
      if (record !== undefined) return use(pack, record);
      pack.places.delete(sha256); // damaged
    }
    return undefined;
  }

  function write(records: ReadonlyMap<string, Buffer>): void {
    const name = `${randomUUID()}${packEnding}`;
    writeCacheFile(path.join(directory, name), encodePack(records));
    const pack = openPack(path.join(directory, name));
    if (pack !== undefined) packs.set(name, pack);
  }

  function flush(): void {
    if (pending.size === 0) return;
    write(pending);
    pending = new Map();
    waiting = 0;
    mergePacks();
  }

  /** A crash in between leaves records twice, which does no harm. */
  function mergePacks(): void {
    const small = [...packs].filter(([, { size }]) => size <= smallPackBytes).sort(([, one], [, other]) => one.size - other.size);
    if (small.length <= maxSmallPacks) return;
    const merged = new Map<string, Buffer>();
    const done: [string, Pack][] = [];
    let bytes = 0;
    for (const [name, pack] of small) {
      if (bytes + pack.size > mergedBytes) break;
      bytes += pack.size;
      done.push([name, pack]);
      for (const [sha256, place] of pack.places) {
        const record = readRecord(pack, place);
        if (record !== undefined) merged.set(sha256, record);
      }
    }
    if (merged.size > 0) write(merged);
    for (const [name, pack] of done) {
      forget(name, pack);
      rmSync(pack.file, { force: true });
    }
  }

  return {
    get(sha256) {
      if (!opened) refresh();
      return pending.get(sha256) ?? find(sha256);
    },
    put(sha256, record) {
      pending.set(sha256, record);
      waiting += record.length;
      if (waiting > pendingBytes) flush();
    },
    flush,
    refresh,
    close() {
      for (const [name, pack] of packs) forget(name, pack);
    },
  };
}

function listPacks(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith(packEnding));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Undefined when it is gone, or no sound pack of this version. */
function openPack(file: string): Pack | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const { size } = fstatSync(descriptor);
  const prefix = readAt(descriptor, 0, packPrefixLength);
  const length = packIndexLength(prefix);
  const places = length === undefined || length > size ? undefined : decodePackIndex(prefix, readAt(descriptor, packPrefixLength, length));
  if (places === undefined) {
    closeSync(descriptor);
    return undefined;
  }
  return { file, descriptor, size, places: new Map(places), used: false };
}

function readRecord({ descriptor, size }: Pack, { offset, length, crc }: RecordPlace): Buffer | undefined {
  if (offset + length > size) return undefined;
  const record = readAt(descriptor, offset, length);
  return record.length === length && crc32(record) === crc ? record : undefined;
}

function use(pack: Pack, record: Buffer): Buffer {
  if (!pack.used) touch(pack.descriptor);
  pack.used = true;
  return record;
}

function readAt(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const count = readSync(descriptor, bytes, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
