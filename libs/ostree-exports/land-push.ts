import { MillraceError } from '../errors/millrace-error.js';
import { readCommit, type Commit } from '../ostree/metadata-objects.js';
import { objectPath, type ObjectName } from '../ostree/object-name.js';
import { exportLock, exportPath, type ExportCall, type ExportParts } from './export-parts.js';
import { importMemory, importObject, importTree, type ImportMemory } from './import-commit.js';
import { publishRef, publishSummary } from './publish-refs.js';
import { entryKey, type PushedRef, type PushedRepository } from './pushed-repository.js';
import type { ReceivedObject } from './received-object.js';

/** Between a ref and what it was before. */
const mostCommits = 1000;

export interface LandingPush {
  readonly received: readonly ReceivedObject[];
  readonly refs: readonly PushedRef[];
}

/**
 * Puts objects that were checked where they are served from, and into the cache, then sets the refs and writes the summary. No round of the export goes on meanwhile; what breaks off
 * leaves objects and blobs that nothing leads to. Errors: `source-invalid` when something is missing below a commit, `storage-conflict` when a ref was set by another push.
 */
export function landPush(parts: ExportParts, repository: PushedRepository, { received, refs }: LandingPush): Promise<void> {
  const { instance, by, pushed } = repository;
  return parts.locks.hold(
    exportLock(instance),
    async (held) => {
      const call: ExportCall = { instance, signal: AbortSignal.any([repository.signal, held.signal]) };
      const memory = importMemory();
      const kept = received.map(({ name, children, spooled }) => ({ ...name, bytes: spooled.size, children }));
      await parts.record.announce(instance, kept);
      for (const object of received) await keepObject(parts, call, { object, memory, by });
      await parts.record.keep(instance, kept);
      for (const ref of refs) {
        await setRef(parts, call, { ref, memory, by });
        pushed(entryKey(ref.name));
      }
      await publishSummary(parts, call, () => new Date());
    },
    { signal: repository.signal },
  );
}

async function keepObject(parts: ExportParts, call: ExportCall, { object, memory, by }: { readonly object: ReceivedObject; readonly memory: ImportMemory; readonly by: string }): Promise<void> {
  call.signal.throwIfAborted();
  await importObject(parts, call, { received: object, memory, push: { by, signal: call.signal } });
  // A file may be moved away by this.
  await parts.store.put(exportPath(call.instance, objectPath(object.name)), await object.spooled.content(), { signal: call.signal });
}

async function setRef(parts: ExportParts, call: ExportCall, { ref, memory, by }: { readonly ref: PushedRef; readonly memory: ImportMemory; readonly by: string }): Promise<void> {
  const { record, cache } = parts;
  const { instance, signal } = call;
  if ((await record.ref(instance, ref.name))?.commit !== ref.old) throw new MillraceError('storage-conflict', `${ref.name} already exists`);
  const missing = await record.missingBelow(instance, ref.commit);
  if (missing.length > 0) throw new MillraceError('source-invalid', `${ref.name} is not whole: ${missing.map(({ checksum, type }) => `${checksum}.${type}`).join(', ')} were not pushed`);
  const bytes = await commitBytes(parts, call, { checksum: ref.commit, type: 'commit' });
  const commit = readCommit(bytes);
  if (!(await descends(parts, call, { commit, old: ref.old }))) throw new MillraceError('storage-conflict', `${ref.name} already exists, and what was pushed does not come after it`);
  const target = await importTree(parts, call, { dirtree: commit.dirtree, memory, push: { by, signal } });
  const key = entryKey(ref.name);
  await cache.putEntry(
    { instance, kind: 'directory', key, qualifiers: {}, target: { digest: target, shape: 'directory' }, value: undefined, references: [], properties: {}, expiresAt: undefined, origin: { tool: 'bst-artifact-receive' } },
    { by, signal },
  );
  const entry = await record.entryOf(instance, 'directory', key);
  await publishRef(parts, call, { ref: { name: ref.name, commit: ref.commit, size: BigInt(bytes.length), timestamp: commit.timestamp }, entry });
}

/** Whether a commit comes after another, as far as the commits between are there. */
async function descends(parts: ExportParts, call: ExportCall, { commit, old }: { readonly commit: Commit; readonly old: string | undefined }): Promise<boolean> {
  if (old === undefined) return true;
  let { parent } = commit;
  for (let step = 0; step < mostCommits && parent !== undefined && parent !== old; step += 1) {
    const [there] = await parts.record.has(call.instance, [{ checksum: parent, type: 'commit' }]);
    parent = there === true ? readCommit(await commitBytes(parts, call, { checksum: parent, type: 'commit' })).parent : undefined;
  }
  return parent === old;
}

async function commitBytes({ store }: ExportParts, { instance, signal }: ExportCall, name: ObjectName): Promise<Buffer> {
  const { content } = await store.get(exportPath(instance, objectPath(name)), { signal });
  const chunks: Buffer[] = [];
  for await (const chunk of content as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
