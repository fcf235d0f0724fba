import { mkdir, readdir, rm, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { MillraceError, isMillraceError } from '../errors/millrace-error.js';
import { isMissing } from '../errors/system-error.js';
import type { ObjectContent, ObjectStore } from '../object-storage/object-store.js';
import { openDirectoryStore } from '../object-storage/directory/open-directory-store.js';
import { openObjectStore } from '../object-storage/open-object-store.js';
import { prefixedStore } from '../object-storage/prefixed-store.js';
import { assertSessionId, isSessionId } from '../session/session-id.js';
import type { Settings } from '../settings/settings.js';
import { localBlobFolder } from './local-blob-folder.js';

/** Bodies of a session by their sha256: `sessions/<session id>/<aa>/<sha256>` below MILLRACE_BLOBS. The byte path sees it as `BodyStore` of libs/proxy/ports.ts. */
export interface BlobStore {
  /** Local; on the same file system as a directory of blobs, so that `adopt` is a rename. */
  readonly spoolDirectory: string;
  /** Resolves when the body is stored for good. Errors: those of `ObjectStore.put`. */
  adopt(sessionId: string, sha256: string, spoolFile: string): Promise<void>;
  put(sessionId: string, sha256: string, bytes: Buffer): Promise<void>;
  /** Size and content. Errors: `blob-not-found`, and those of `ObjectStore.get`. */
  read(sessionId: string, sha256: string): Promise<{ readonly size: number; readonly content: Readable }>;
  /** Deletes every body of a session; fine when there is none. */
  removeSession(sessionId: string): Promise<void>;
  /** Sessions that have a body here, for a sweep of what a crash left behind. */
  listSessions(): Promise<readonly string[]>;
  /** Removes spool files that nobody has written to for this long (a process that died left them). */
  emptySpool(idleMilliseconds: number): Promise<number>;
  close(): void;
}

/**
 * Opens the blob store of the settings. A blob is durable before it can be seen: the record says `kept` in a transaction that follows, and must not promise
 * what a power cut takes back. Errors: `invalid-setting`.
 */
export async function openBlobStore(settings: Pick<Settings, 'blobs' | 'home'>): Promise<BlobStore> {
  const folder = localBlobFolder(settings);
  const spoolDirectory = path.join(folder, 'spool');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(spoolDirectory, { recursive: true, mode: 0o700 });
  const store = settings.blobs.startsWith('s3:') ? prefixedStore(openObjectStore(settings.blobs, { name: 'MILLRACE_BLOBS' }), 'sessions') : openDirectoryStore(path.join(folder, 'sessions'), { secret: true });
  return blobStoreOn(store, spoolDirectory);
}

export function blobStoreOn(store: ObjectStore, spoolDirectory: string): BlobStore {
  const keyOf = (sessionId: string, sha256: string): string => {
    assertSessionId(sessionId);
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new MillraceError('invalid-request', 'a blob is named by 64 lower-case hex digits');
    return `${sessionId}/${sha256.slice(0, 2)}/${sha256}`;
  };

  /** Whoever keeps the same digest at once keeps the same bytes. */
  async function keep(key: string, content: ObjectContent): Promise<void> {
    if ((await store.head(key)) === undefined) await store.put(key, content);
  }

  return {
    spoolDirectory,
    async adopt(sessionId, sha256, spoolFile) {
      const key = keyOf(sessionId, sha256);
      if (path.dirname(path.resolve(spoolFile)) !== spoolDirectory) throw new MillraceError('invalid-request', 'only spool files are adopted');
      await keep(key, { file: spoolFile, moved: true });
      await rm(spoolFile, { force: true });
    },
    put: async (sessionId, sha256, bytes) => keep(keyOf(sessionId, sha256), bytes),
    async read(sessionId, sha256) {
      try {
        return await store.get(keyOf(sessionId, sha256));
      } catch (cause) {
        if (!isMillraceError(cause) || cause.code !== 'blob-not-found') throw cause;
        throw new MillraceError('blob-not-found', `session ${sessionId} keeps no body ${sha256}`, { cause });
      }
    },
    async removeSession(sessionId) {
      assertSessionId(sessionId);
      const keys: string[] = [];
      for await (const { key } of store.list(`${sessionId}/`)) keys.push(key);
      await store.remove(keys);
    },
    async listSessions() {
      const sessions = new Set<string>();
      for await (const { key } of store.list('')) sessions.add(key.slice(0, key.indexOf('/')));
      return [...sessions].filter(isSessionId);
    },
    emptySpool: (idleMilliseconds) => emptyDirectory(spoolDirectory, idleMilliseconds),
    close: () => store.close(),
  };
}

async function emptyDirectory(directory: string, idleMilliseconds: number): Promise<number> {
  let removed = 0;
  const limit = Date.now() - idleMilliseconds;
  for (const name of await readdir(directory)) {
    const file = path.join(directory, name);
    try {
      if ((await stat(file)).mtimeMs > limit) continue;
      await unlink(file);
      removed += 1;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return removed;
}
