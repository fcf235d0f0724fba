import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { RepomdFile } from '../rpm/metadata/repomd.js';
import { writeAll } from './cache-files.js';
import type { DocumentPart } from './chunk-documents.js';

/** A file of `repodata` while it is written; its name has its digest, so it gets it last. */
export interface MetadataFile {
  append(part: DocumentPart): void;
  /** Syncs it and gives it its name: `<sha256>-primary.xml.gz`. */
  finish(): RepomdFile;
  /** Removes it, unless it is finished. */
  discard(): void;
}

/** `ending`: `primary.xml.gz`. `openChecksum`: for files that are compressed. */
export function createMetadataFile(directory: string, { type, ending, timestamp, packed }: { readonly type: string; readonly ending: string; readonly timestamp: number; readonly packed: boolean }): MetadataFile {
  const temporary = path.join(directory, `.${type}-${randomUUID()}`);
  const [checksum, openChecksum] = [createHash('sha256'), createHash('sha256')];
  let [size, openSize, isOpen] = [0, 0, true];
  const descriptor = openSync(temporary, 'wx', 0o644);
  const close = (): void => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  return {
    append(part) {
      writeAll(descriptor, [part.packed]);
      checksum.update(part.packed);
      size += part.packed.length;
      if (!packed) return;
      openChecksum.update(part.open);
      openSize += part.open.length;
    },
    finish() {
      fdatasyncSync(descriptor);
      close();
      const hex = checksum.digest('hex');
      renameSync(temporary, path.join(directory, `${hex}-${ending}`));
      const file = { type, href: `repodata/${hex}-${ending}`, checksum: { algorithm: 'sha256' as const, hex }, timestamp, size };
      return packed ? { ...file, openChecksum: { algorithm: 'sha256', hex: openChecksum.digest('hex') }, openSize } : file;
    },
    discard() {
      close();
      rmSync(temporary, { force: true });
    },
  };
}
