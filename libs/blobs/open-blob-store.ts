import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '../errors/millrace-error.js';
import { isMissing } from '../errors/system-error.js';
import { assertSessionId, isSessionId } from '../session/session-id.js';

/** Bodies of a session by their sha256: `<root>/sessions/<session id>/<aa>/<sha256>`. The byte path sees it as `BodyStore` of libs/proxy/ports.ts. */
export interface BlobStore {
  /** On the same file system, so that `adopt` is a rename. */
  readonly spoolDirectory: string;
  adopt(sessionId: string, sha256: string, spoolFile: string): Promise<void>;
  put(sessionId: string, sha256: string, bytes: Buffer): Promise<void>;
  /** Size and content. Errors: `blob-not-found`. */
  read(sessionId: string, sha256: string): Promise<{ readonly size: number; readonly content: Readable }>;
  /** Deletes every body of a session; fine when there is none. */
  removeSession(sessionId: string): Promise<void>;
  /** Sessions that have a directory here, for a sweep of what a crash left behind. */
  listSessions(): Promise<readonly string[]>;
  /** Removes spool files that nobody has written to for this long (a process that died left them). */
  emptySpool(idleMilliseconds: number): Promise<number>;
}

/**
 * Opens (and makes) a directory store. A blob is synced before it gets its name, and its directory after: the record says
 * `kept` in a transaction that follows, and must not promise a file that a power cut takes back. That is one flush of the
 * file's own data and one of a directory, on a path that waits for a database commit anyway. Errors: `invalid-setting`.
 */
export async function openBlobStore(fileUrl: string): Promise<BlobStore> {
  const root = blobRoot(fileUrl);
  const sessions = path.join(root, 'sessions');
  const spoolDirectory = path.join(root, 'spool');
  await mkdir(sessions, { recursive: true, mode: 0o700 });
  await mkdir(spoolDirectory, { recursive: true, mode: 0o700 });

  const directoryOf = (sessionId: string): string => {
    assertSessionId(sessionId);
    return path.join(sessions, sessionId);
  };
  const fileOf = (sessionId: string, sha256: string): string => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new MillraceError('invalid-request', 'a blob is named by 64 lower-case hex digits');
    return path.join(directoryOf(sessionId), sha256.slice(0, 2), sha256);
  };

  async function adopt(sessionId: string, sha256: string, spoolFile: string): Promise<void> {
    const file = fileOf(sessionId, sha256);
    if (path.dirname(path.resolve(spoolFile)) !== spoolDirectory) throw new MillraceError('invalid-request', 'only spool files are adopted');
    if (await exists(file)) return unlink(spoolFile);
    await syncFile(spoolFile);
    await moveInto(spoolFile, file);
  }

  return {
    spoolDirectory,
    adopt,
    async put(sessionId, sha256, bytes) {
      if (await exists(fileOf(sessionId, sha256))) return;
      const spoolFile = path.join(spoolDirectory, `put-${randomUUID()}`);
      const handle = await open(spoolFile, 'wx', 0o600);
      try {
        await handle.writeFile(bytes);
      } finally {
        await handle.close();
      }
      await adopt(sessionId, sha256, spoolFile);
    },
    async read(sessionId, sha256) {
      const file = fileOf(sessionId, sha256);
      try {
        const handle = await open(file, 'r');
        return { size: (await handle.stat()).size, content: createReadStream(file, { fd: handle }) };
      } catch (cause) {
        if (!isMissing(cause)) throw cause;
        throw new MillraceError('blob-not-found', `session ${sessionId} keeps no body ${sha256}`, { cause });
      }
    },
    async removeSession(sessionId) {
      await rm(directoryOf(sessionId), { recursive: true, force: true, maxRetries: 3 });
      await syncDirectory(sessions);
    },
    async listSessions() {
      return (await readdir(sessions)).filter(isSessionId);
    },
    emptySpool: (idleMilliseconds) => emptyDirectory(spoolDirectory, idleMilliseconds),
  };
}

/** Directory of a `file:` URL. Errors: `invalid-setting`. */
export function blobRoot(fileUrl: string): string {
  // `file:relative/path` and `file:/path` as well as `file:///path`.
  if (!fileUrl.startsWith('file:')) throw new MillraceError('invalid-setting', 'MILLRACE_BLOBS must be a file: URL');
  try {
    return path.resolve(fileUrl.startsWith('file://') ? fileURLToPath(fileUrl) : decodeURIComponent(fileUrl.slice('file:'.length)));
  } catch (cause) {
    throw new MillraceError('invalid-setting', 'MILLRACE_BLOBS is not a valid file: URL', { cause });
  }
}

/** Another adoption of the same digest may win: both have the same bytes, and a rename replaces atomically. */
async function moveInto(from: string, to: string): Promise<void> {
  const directory = path.dirname(to);
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  await rename(from, to);
  await syncDirectory(directory);
  if (made === undefined) return;
  await syncDirectory(path.dirname(directory));
  await syncDirectory(path.dirname(path.dirname(directory)));
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
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
