import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { isMissing } from '../errors/system-error.js';
import { incomingKey, openPlace, stateFolder, statesFolder, type RepositoryEngineOptions } from './engine-options.js';
import type { Abortable, ObjectStore } from '../object-storage/object-store.js';
import type { EngineOptions } from './repository-engine.js';

/** Seconds that an upload waits for a change that takes it. */
const uploadPatience = 86_400;
/** States whose files are kept beside the current one: a client that began with one may be reading it still. */
const statesKept = 2;
/** Milliseconds after which nobody works in a work directory any more. */
const workPatience = 2 * 86_400_000;

/** See `RepositoryEngine.tidy`. Objects go before the record forgets them: what a crash leaves is found again. */
export async function tidyRepository(name: string, options: EngineOptions, engine: RepositoryEngineOptions): Promise<void> {
  const { store, repository } = await openPlace(name, engine);
  await emptySpool(name, { store, options, engine });
  const planned = await engine.reads.planned(name);
  await sweepStates(store, { current: repository.state, planned: planned?.state, signal: options.signal });
  await sweepWork(engine);
}

/** See `RepositoryEngine.discard`. A crash between the steps leaves it to the next `tidy`. */
export async function discardUpload(name: string, id: string, { options, engine }: { readonly options: Abortable; readonly engine: RepositoryEngineOptions }): Promise<void> {
  const { store } = await openPlace(name, engine);
  await engine.commands.discardUpload(name, id);
  await store.remove([incomingKey(id)], options);
  await engine.commands.forgetUploads([id]);
}

async function emptySpool(name: string, { store, options, engine }: { readonly store: ObjectStore; readonly options: EngineOptions; readonly engine: RepositoryEngineOptions }): Promise<void> {
  const uploads = await engine.commands.staleUploads(name, uploadPatience);
  if (uploads.length === 0) return;
  options.onProgress?.({ step: 'tidy', done: 0, total: uploads.length });
  await store.remove(uploads.map(({ id }) => incomingKey(id)), options);
  await engine.commands.forgetUploads(uploads.map(({ id }) => id));
}

async function sweepStates(store: ObjectStore, { current, planned, signal }: { readonly current: number; readonly planned: number | undefined; readonly signal: AbortSignal }): Promise<void> {
  const old: string[] = [];
  for await (const { key } of store.list(statesFolder, { signal })) {
    const state = Number(/^\d+(?=\/)/.exec(key.slice(statesFolder.length))?.[0]);
    if (Number.isInteger(state) && state < current - statesKept && state !== planned && key.startsWith(stateFolder(state))) old.push(key);
  }
  if (old.length > 0) await store.remove(old, { signal });
}

/** What a process that was killed has left on this machine. */
async function sweepWork({ workRoot, now = Date.now }: RepositoryEngineOptions): Promise<void> {
  for (const entry of await readdir(workRoot).catch(() => [])) {
    if (!entry.startsWith('index-')) continue;
    const directory = path.join(workRoot, entry);
    const changed = await stat(directory).then(
      ({ mtimeMs }) => mtimeMs,
      (error: unknown) => {
        if (isMissing(error)) return Infinity;
        throw error;
      },
    );
    if (changed < now() - workPatience) await rm(directory, { recursive: true, force: true });
  }
}
