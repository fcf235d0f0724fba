import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MillraceError, isMillraceError } from '../../libs/errors/millrace-error.js';
import { forEachAtOnce } from '../../libs/compose-engine/for-each-at-once.js';
import { derivedUuid } from '../../libs/repository-engine/derived-uuid.js';
import type { ControlClient } from './control-client.js';
import { findPackage, findUpload, parseUpload, placeOf, type UploadView } from './repository-api.js';

/** Files that are read and sent at once. */
const atOnce = 4;
const attempts = 4;

export interface PackageFile {
  readonly file: string;
  readonly fileName: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Errors: `invalid-request` for what is no file that can be read. */
export async function readPackageFiles(files: readonly string[]): Promise<readonly PackageFile[]> {
  return mapAtOnce(files, async (file) => {
    const status = await stat(file).catch((cause: unknown) => {
      throw new MillraceError('invalid-request', `${file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, { cause });
    });
    if (!status.isFile()) throw new MillraceError('invalid-request', `${file} is not a file`);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    return { file, fileName: path.basename(file), size: status.size, sha256: hash.digest('hex') };
  });
}

/** Whether what clients see has these bytes under this name already: then they need not be sent. */
export async function isListed(client: ControlClient, name: string, { fileName, sha256 }: PackageFile): Promise<boolean> {
  try {
    const known = await findPackage(client, name, fileName);
    return known.sha256 === sha256 && known.listed.some(({ until }) => until === null);
  } catch (error) {
    if (isMillraceError(error) && error.code === 'package-not-found') return false;
    throw error;
  }
}

export interface UploadOptions {
  readonly client: ControlClient;
  readonly name: string;
  /** Of the change that the uploads are for: run again with it, nothing is sent twice. */
  readonly changeId: string;
  readonly signal: AbortSignal;
  /** `sent`: false when the service had it already. */
  readonly onUploaded: (file: PackageFile, sent: boolean) => void;
}

/** In the order of the files. A connection that breaks is tried again. */
export async function uploadPackages(files: readonly PackageFile[], options: UploadOptions): Promise<readonly UploadView[]> {
  return mapAtOnce(files, (file) => uploadPackage(file, options));
}

async function uploadPackage(file: PackageFile, { client, name, changeId, signal, onUploaded }: UploadOptions): Promise<UploadView> {
  for (let attempt = 0; ; attempt += 1) {
    const id = derivedUuid(`${name}\n${changeId}\n${file.fileName}\n${file.sha256}\n${attempt}`);
    try {
      const known = await findUpload(client, name, id).catch(noUpload);
      const upload = known?.sha256 === file.sha256 ? known : await send(file, { client, name, id, signal });
      onUploaded(file, upload !== known);
      return upload;
    } catch (error) {
      if (signal.aborted || attempt + 1 >= attempts || !isMillraceError(error) || !mayPass.has(error.code)) throw error;
      await pause(500 * 2 ** attempt, undefined, { signal });
    }
  }
}

/** Also an upload whose end was never heard of: its id stays taken. */
const mayPass: ReadonlySet<string> = new Set(['service-unavailable', 'database-unavailable', 'storage-unavailable', 'idempotency-conflict']);

function noUpload(error: unknown): undefined {
  if (!isMillraceError(error) || error.code !== 'upload-not-found') throw error;
}

async function send({ file, fileName, size, sha256 }: PackageFile, { client, name, id, signal }: { readonly client: ControlClient; readonly name: string; readonly id: string; readonly signal: AbortSignal }): Promise<UploadView> {
  const header = { 'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:` };
  return parseUpload(await client.send({ method: 'POST', path: `${placeOf(name)}/uploads?${new URLSearchParams({ fileName, id }).toString()}`, header, signal }, { stream: () => createReadStream(file), size }));
}

async function mapAtOnce<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<readonly Result[]> {
  const results: Result[] = [];
  await forEachAtOnce([...items.entries()], atOnce, async ([index, item]) => {
    results[index] = await work(item);
  });
  return results;
}
