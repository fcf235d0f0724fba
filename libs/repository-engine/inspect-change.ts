import { Readable } from 'node:stream';
import { errorMessage } from '../errors/error-message.js';
import { errorTable } from '../errors/error-table.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { forEachAtOnce } from '../compose-engine/for-each-at-once.js';
import { derivedUuid } from './derived-uuid.js';
import { isMistake } from './is-mistake.js';
import { incomingKey, openPlace, type EnginePlace, type RepositoryEngineOptions } from './engine-options.js';
import { openPackageBytes } from './package-bytes.js';
import { inspectHere } from './package-inspection.js';
import { receivePackage } from './receive-package.js';
import type { ContentReference, RepositoryChange } from '../repository/repository-change.js';
import { findUpload } from '../repository-record/find-upload.js';
import type { Upload } from '../repository-record/repository-record.js';
import type { EngineOptions } from './repository-engine.js';
import { componentOf } from '../repository/component-of.js';
import type { RepositorySettings } from '../repository/repository.js';

/** Packages that are read at once: enough to hide the store's latency, few enough for memory. */
const atOnce = 4;

interface Inspection extends EnginePlace {
  readonly engine: RepositoryEngineOptions;
  readonly change: RepositoryChange;
  readonly signal: AbortSignal;
}

interface RefusedPackage {
  readonly file: string;
  readonly sha256: string;
  readonly reason: string;
}

/** See `RepositoryEngine.inspect`. All packages are looked at before the change is refused, so that whoever published it learns of all that are no good. */
export async function inspectChange(change: RepositoryChange, options: EngineOptions, engine: RepositoryEngineOptions): Promise<void> {
  const uploads = await uploadsOf(change, options, engine);
  const inspection = { ...(await openPlace(change.repository, engine)), engine, change, signal: options.signal };
  const refused: RefusedPackage[] = [];
  let done = 0;
  await forEachAtOnce(uploads, atOnce, async (id) => {
    const upload = await engine.reads.upload(id);
    if (upload.repository !== change.repository) throw new MillraceError('upload-not-found', `the repository ${change.repository} has no upload ${id}`);
    const problem = await inspectUpload(upload, inspection);
    if (problem !== undefined) refused.push(problem);
    options.onProgress?.({ step: 'inspect', done: (done += 1), total: uploads.length });
  });
  if (refused.length > 0) throw invalidPackages(refused, uploads.length);
}

async function uploadsOf({ id, repository, request, by }: RepositoryChange, { signal, onProgress }: EngineOptions, engine: RepositoryEngineOptions): Promise<readonly string[]> {
  if (request.kind !== 'publish' && request.kind !== 'synchronise') return [];
  const contents = request.kind === 'publish' ? request.contents : [];
  let done = 0;
  const brought: string[] = [];
  await forEachAtOnce(contents, atOnce, async (reference) => {
    brought.push(await bringContent(reference, { changeId: id, repository, by, signal, engine }));
    onProgress?.({ step: 'fetch', done: (done += 1), total: contents.length });
  });
  return [...request.uploads, ...brought];
}

interface Bringing {
  readonly changeId: string;
  readonly repository: string;
  readonly by: string;
  readonly signal: AbortSignal;
  readonly engine: RepositoryEngineOptions;
}

/** Content that Millrace has elsewhere becomes an upload of this repository; the digest is checked on the way. Done before: nothing. */
async function bringContent(reference: ContentReference, { changeId, repository, by, signal, engine }: Bringing): Promise<string> {
  // The same for the same content of the same change.
  const id = derivedUuid(`content ${changeId} ${reference.sha256}`);
  if ((await findUpload(engine.reads, id)) !== undefined) return id;
  const { fileName, size, content } = await engine.sources.open(reference, { signal });
  // What an attempt before has left, whose answer was lost: nobody but this change has the id.
  try {
    const { store } = await openPlace(repository, engine);
    await store.remove([incomingKey(id)], { signal });
    await receivePackage(repository, content, { given: { id, fileName, by, size, sha256: reference.sha256, signal }, engine });
  } finally {
    await closeContent(content);
  }
  return id;
}

/** What nobody has begun to read holds its file open. */
async function closeContent(content: AsyncIterable<Buffer>): Promise<void> {
  if (content instanceof Readable) content.destroy();
  else await (content as Partial<AsyncGenerator<Buffer>>).return?.(undefined);
}

/** Undefined: it is good, and the record knows what it is. */
async function inspectUpload(upload: Upload, inspection: Inspection): Promise<RefusedPackage | undefined> {
  const { store, format, repository, engine, change, signal } = inspection;
  const refused = (reason: string): RefusedPackage => ({ file: upload.fileName, sha256: upload.sha256, reason });
  const component = componentFor(change, repository.settings);
  if (component instanceof MillraceError) return refused(component.message);
  if (upload.key !== null && (change.request.kind !== 'publish' || upload.component === undefined || upload.component === component)) return undefined;
  const bytes = await openPackageBytes(store, incomingKey(upload.id), signal);
  if (bytes === undefined) return refused('its upload is not in the store any more; upload it again');
  if (bytes.size !== upload.size) return refused(`its upload has ${bytes.size} bytes in the store, and had ${upload.size} when it arrived; upload it again`);
  try {
    const inspected = await (engine.inspection ?? inspectHere).inspect(format, bytes, { sha256: upload.sha256, settings: repository.settings, signal });
    await engine.commands.describeUpload(upload.id, { ...inspected, path: format.pathOf(inspected, component), component });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (isMillraceError(error) ? isFault(error) : isMistake(error)) return refused(errorMessage(error));
    throw error;
  }
}

function componentFor({ request }: RepositoryChange, settings: RepositorySettings): string | MillraceError {
  try {
    return componentOf(settings, request.kind === 'publish' ? request.component : undefined);
  } catch (error) {
    if (isMillraceError(error)) return error;
    throw error;
  }
}

/** Of the package, and not of a service that was asked about it. */
function isFault({ code }: MillraceError): boolean {
  return !errorTable[code].retryable && code !== 'storage-refused' && code !== 'internal';
}

/** In a message; the details have them all. */
const shown = 5;

function invalidPackages(refused: readonly RefusedPackage[], all: number): MillraceError {
  const named = refused.slice(0, shown).map(({ file, reason }) => `${file}: ${reason}`);
  const others = refused.length > shown ? `; and ${refused.length - shown} more` : '';
  return new MillraceError('package-invalid', `${refused.length} of ${all} packages cannot be published: ${named.join('; ')}${others}`, {
    details: refused,
    suggestion: 'Nothing of the change was published. Leave these packages out, or build them again.',
  });
}
