import { MillraceError, isMillraceError } from '../errors/millrace-error.js';
import type { HeldLock, NamedLocks } from '../database/advisory-locks.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { lockOf } from '../repository-engine/engine-options.js';
import { derivedUuid } from '../repository-engine/derived-uuid.js';
import { openPackageBytes } from '../repository-engine/package-bytes.js';
import type { RepositoryCommands } from '../repository-record/repository-record.js';
import { guardDrop } from '../repository/guard.js';
import type { ChangeRequest, RepositoryChange } from '../repository/repository-change.js';
import type { Repository } from '../repository/repository.js';
import { checkRepository } from './check-repository.js';
import type { CheckOptions, CheckParts } from './check-parts.js';
import type { CheckReport, Finding, FindingKind } from './finding.js';
import { hashObject } from '../object-storage/hash-object.js';
import { planRepair, type RepairStep } from './repair-plan.js';

export interface RepairParts extends CheckParts {
  readonly commands: Pick<RepositoryCommands, 'requestChange' | 'rememberMetadata' | 'pruned'>;
  readonly locks: NamedLocks;
}

export interface RepairOptions extends CheckOptions {
  readonly by: string;
  /** Of this attempt to mend: repeated with the same one, the same changes are asked for. */
  readonly runId: string;
  /** Says what would be done. */
  readonly dryRun: boolean;
  /** Take out as many entries as it takes, whatever the guard says. */
  readonly force: boolean;
}

export interface RepairResult {
  readonly report: CheckReport;
  readonly steps: readonly RepairStep[];
  /** Ids; the repository's workflow carries them out. */
  readonly changes: readonly string[];
  /** What no command can mend. */
  readonly left: readonly Finding[];
}

const mendable: ReadonlySet<FindingKind> = new Set(['missing-index-file', 'wrong-index-file', 'missing-object', 'wrong-size', 'wrong-digest', 'missing-metadata']);

/**
 * Mends what a check finds: index files are written again, lost objects brought back from `.obsolete/` or the spool, damaged ones set aside, knowledge read again from packages;
 * what is nowhere leaves the list by a change of its own, which the guard of the repository may refuse. At most `shownFindings` of a kind at once: ask again for the rest.
 * The repository may be published to meanwhile: nothing is done to an object that the check has not seen as it is now.
 */
export async function repairRepository(parts: RepairParts, name: string, options: RepairOptions): Promise<RepairResult> {
  const repository = await parts.reads.get(name);
  const store = parts.stores.open(repository.place);
  const report = await checkRepository(parts, name, options);
  const steps = await planRepair(report, { parts, store, format: parts.formats[repository.kind], signal: options.signal });
  const left = report.findings.filter(({ kind }) => !mendable.has(kind));
  if (options.dryRun) return { report, steps, changes: [], left };
  const lost: string[] = [];
  await parts.locks.hold(
    lockOf(name),
    async (held) => {
      const signal = AbortSignal.any([options.signal, held.signal]);
      for (const [done, step] of steps.entries()) {
        signal.throwIfAborted();
        options.onProgress?.({ step: 'repair', done, total: steps.length });
        const repair = { parts, repository, store, state: report.state, held, options: { ...options, signal } };
        if (step.action !== 'remove-entry') await carryOut(step, repair);
        else if (!(await isMended(step.package, repair))) lost.push(step.package);
      }
    },
    options,
  );
  guard(repository, { report, lost, force: options.force });
  const requests: ChangeRequest[] = [...(lost.length > 0 ? [{ kind: 'repair', remove: lost } as const] : []), ...(steps.some(({ action }) => action === 'write-index') ? [{ kind: 'sign' } as const] : [])];
  const changes: RepositoryChange[] = [];
  for (const request of requests) changes.push(await parts.commands.requestChange({ id: derivedUuid(`${options.runId}\n${JSON.stringify(request)}`), repository: name, request, by: options.by, force: options.force }));
  return { report, steps, changes: changes.map(({ id }) => id), left };
}

/** A report names a thousand, and the guard of a change sees no more: whoever mends again and again must not empty a repository whose bucket is away. */
function guard({ name, packages, settings }: Repository, { report: { counts, findings }, lost, force }: { readonly report: CheckReport; readonly lost: readonly string[]; readonly force: boolean }): void {
  if (force || lost.length === 0) return;
  const ofObjects: readonly FindingKind[] = ['missing-object', 'wrong-size', 'wrong-digest'];
  const found = ofObjects.reduce((sum, kind) => sum + counts[kind], 0);
  const unnamed = found - findings.filter(({ kind }) => ofObjects.includes(kind)).length;
  const problem = unnamed === 0 ? undefined : guardDrop(settings.guard, { listed: packages, removed: lost, unnamed });
  if (problem === undefined) return;
  throw new MillraceError('change-guarded', `mending ${name} ${problem.message}`, { details: problem.details, suggestion: 'See that the store is the right one, and whole. What could be brought back was; if the rest is lost, mend by force.' });
}

interface Repair {
  readonly parts: RepairParts;
  readonly repository: Repository;
  readonly store: ObjectStore;
  /** That was checked. */
  readonly state: number;
  readonly held: HeldLock;
  readonly options: RepairOptions;
}

async function carryOut(step: Exclude<RepairStep, { readonly action: 'remove-entry' }>, repair: Repair): Promise<void> {
  const { parts, repository, store, options } = repair;
  const { signal } = options;
  switch (step.action) {
    case 'restore-index-file':
      return restore(step, repair);
    case 'drop-index-file':
      return (await isStillSeen(repair)) ? remove(step.path, repair) : undefined;
    case 'set-aside':
      return setAside(step, repair);
    case 'bring-back':
      return bringBack(step, { store, signal });
    case 'read-metadata':
      return readMetadata(step, { parts, repository, store, signal });
    case 'write-index':
      return undefined;
  }
}

/** Not when the repository has been published to since, or is being published to: then what lies there may be newer, and is written anew at any rate. */
async function isStillSeen({ parts, repository: { name }, state }: Repair): Promise<boolean> {
  return (await parts.reads.planned(name)) === undefined && (await parts.reads.get(name)).state === state;
}

async function remove(path: string, { store, held, options: { signal } }: Repair): Promise<void> {
  await held.confirm();
  await store.remove([path], { signal });
}

/** By somebody else, since the check. */
async function isMended(key: string, { parts, repository, store, options: { signal } }: Repair): Promise<boolean> {
  const { path, sha256 } = await parts.reads.package(repository.name, key);
  return (await hashObject(store, path, { signal }))?.sha256 === sha256;
}

async function setAside({ path, to, package: key }: Extract<RepairStep, { readonly action: 'set-aside' }>, repair: Repair): Promise<void> {
  const { store, options } = repair;
  const { signal } = options;
  if (await isMended(key, repair)) return;
  await copyUnlessThere(store, { from: path, to, signal });
  await remove(path, repair);
}

async function restore({ path, from }: Extract<RepairStep, { readonly action: 'restore-index-file' }>, repair: Repair): Promise<void> {
  const { store, options } = repair;
  const { signal } = options;
  const head = await store.head(path, { signal });
  if (!(await isStillSeen(repair))) return;
  // Whatever is written there in between is left.
  await store.copy(from, path, { condition: head === undefined ? { absent: true } : { etag: head.etag }, cacheControl: 'no-cache', signal }).catch(ignoreConflict);
}

async function bringBack({ path, from, sha256 }: Extract<RepairStep, { readonly action: 'bring-back' }>, { store, signal }: Pick<Repair, 'store'> & { readonly signal: AbortSignal }): Promise<void> {
  await copyUnlessThere(store, { from, to: path, signal });
  const there = await hashObject(store, path, { signal });
  if (there?.sha256 !== sha256) throw new MillraceError('storage-unavailable', `${path} was brought back from ${from}, and the store gives other bytes than it had`);
}

async function copyUnlessThere(store: ObjectStore, { from, to, signal }: { readonly from: string; readonly to: string; readonly signal: AbortSignal }): Promise<void> {
  await store.copy(from, to, { condition: { absent: true }, signal }).catch(ignoreConflict);
}

function ignoreConflict(error: unknown): undefined {
  if (isMillraceError(error) && error.code === 'storage-conflict') return undefined;
  throw error;
}

/** From the package itself, once its digest is found to be right. One that is gone, or says nothing any more, is found by the next check. */
async function readMetadata({ path, sha256 }: Extract<RepairStep, { readonly action: 'read-metadata' }>, { parts, repository, store, signal }: Pick<Repair, 'parts' | 'repository' | 'store'> & { readonly signal: AbortSignal }): Promise<void> {
  if ((await hashObject(store, path, { signal }))?.sha256 !== sha256) return;
  const bytes = await openPackageBytes(store, path, signal);
  if (bytes === undefined) return;
  const { metadata } = await parts.formats[repository.kind].inspect(bytes, { sha256, settings: repository.settings, signal });
  await parts.commands.rememberMetadata(repository.kind, new Map([[sha256, metadata]]));
}
