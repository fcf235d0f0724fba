import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rmdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';
import type { GeneratedTree } from './compose-engine.js';
import type { TreePlaces } from './compose-layout.js';
import { allLogFiles } from './generation-log.js';
import { isMissing } from '../errors/system-error.js';
import { removeAll } from './remove-all.js';
import { syncDirectory, syncTree, type SyncOptions } from './sync-tree.js';

/** What one attempt makes, where nobody looks. */
export interface StagedTree {
  readonly attempt: string;
  /** Absolute: becomes the contents of the tree's directory, the logs aside. */
  readonly directory: string;
}

/** Kept with a tree, so that an attempt after a lost answer finds that all is done. */
export interface PublishedTree {
  readonly attempt: string;
  /** Digest of the inputs; see `digestOfJob`. */
  readonly job: string;
  readonly generated: GeneratedTree;
}

export interface Publication extends Omit<PublishedTree, 'attempt'> {
  /** What has to be done with the whole tree before it becomes visible. */
  readonly before?: (() => Promise<void>) | undefined;
  readonly sync?: SyncOptions;
}

const logNames: ReadonlySet<string> = new Set(allLogFiles);
const record = path.join('work', 'global', 'generation.json');
/** Made visible in this order: the record first, so that it is known whose the rest is; `compose` in one; `STATUS` says that all is there. */
const order = ['work', 'logs', 'COMPOSE_ID', 'compose', 'STATUS'];
const publishing = 'publishing';
/** Stays in a claimed directory until that is put aside: so it is never empty, and a rename onto it fails. */
const marker = '.attempt';

/** Begins an attempt. Of those before, also of one that still runs, only logs are left: another is begun when the workflow has given one up. */
export async function stageTree(places: TreePlaces): Promise<StagedTree> {
  await mkdir(places.directory, { recursive: true });
  await clearAttempts(places);
  await removeContents(places);
  const staged = stagedTree(places, randomUUID());
  await mkdir(staged.directory, { recursive: true });
  await writeFile(path.join(staged.directory, marker), staged.attempt);
  return staged;
}

function stagedTree(places: TreePlaces, attempt: string): StagedTree {
  return { attempt, directory: path.join(places.staging, attempt) };
}

/** The tree that is visible, if it is whole. */
export async function readPublished(places: TreePlaces): Promise<PublishedTree | undefined> {
  try {
    await readFile(path.join(places.directory, 'STATUS'));
    return await readRecord(places.directory);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Whether somebody who was promised the tree finds it. */
export async function isWhole(places: TreePlaces): Promise<boolean> {
  const [published, files] = await Promise.all([readPublished(places), stat(path.join(places.directory, 'compose')).catch(undefinedWhenMissing)]);
  return published !== undefined && files !== undefined;
}

async function readRecord(directory: string): Promise<PublishedTree> {
  return JSON.parse(await readFile(path.join(directory, record), 'utf8')) as PublishedTree;
}

/**
 * Syncs everything that an attempt wrote and makes it visible: `compose/`, which is all of the repositories, by one rename. Errors: `resources-in-use` where
 * a later attempt has taken over.
 */
export async function publishTree(places: TreePlaces, staged: StagedTree, { job, generated, before, sync }: Publication): Promise<void> {
  const published: PublishedTree = { attempt: staged.attempt, job, generated };
  const claimed = path.join(places.staging, publishing);
  try {
    await writeFile(path.join(staged.directory, record), `${JSON.stringify(published)}\n`);
    await before?.();
    await syncTree(staged.directory, sync);
    // What was taken over has lost its mark, even where it has made the directory again since.
    await readFile(path.join(staged.directory, marker));
    // Only one attempt has this name at a time.
    await rename(staged.directory, claimed);
    await removeContents(places);
    for (const name of [...(await others(claimed)), ...order]) await rename(path.join(claimed, name), path.join(places.directory, name));
  } catch (error) {
    if (isMissing(error) || isTaken(error)) throw takenOver(error);
    throw error;
  }
  await syncDirectory(places.directory);
  await syncDirectory(places.root);
  await removeAside(places, publishing);
  await rmdir(places.staging).catch(() => undefined); // in use by another attempt
}

/** What a program has left beside the usual. */
async function others(claimed: string): Promise<string[]> {
  return (await readdir(claimed)).filter((name) => !order.includes(name) && !logNames.has(name) && !name.startsWith('.'));
}

function isTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST'].includes(String((error as { code?: unknown }).code));
}

export function takenOver(cause: unknown): MillraceError {
  return new MillraceError('resources-in-use', 'another attempt to generate this compose has taken over', { cause });
}

/** Whether a later attempt has taken over, so that what fails here is only a consequence. */
export async function isLost(places: TreePlaces, staged: StagedTree): Promise<boolean> {
  const own = [await markOf(staged.directory), await markOf(path.join(places.staging, publishing)), await visibleAttempt(places)];
  return !own.includes(staged.attempt);
}

/** What the program that wrote a tree has to say of its failure: it goes with the logs. */
export async function keepLogs(places: TreePlaces, staged: StagedTree): Promise<void> {
  if (await isLost(places, staged)) return;
  await rename(path.join(staged.directory, 'logs'), path.join(places.directory, 'logs')).catch(undefinedWhenMissing);
}

/** After a failure of this attempt: nothing of it is left but the logs. What a later attempt has made stays. */
export async function discardAttempt(places: TreePlaces, staged: StagedTree): Promise<void> {
  if ((await visibleAttempt(places)) === staged.attempt) await removeContents(places);
  if ((await markOf(path.join(places.staging, publishing))) === staged.attempt) await removeAside(places, publishing);
  await removeAside(places, staged.attempt);
  await rmdir(places.staging).catch(() => undefined); // in use by another attempt
}

async function markOf(directory: string): Promise<string | undefined> {
  return readFile(path.join(directory, marker), 'utf8').catch(undefinedWhenMissing);
}

async function visibleAttempt(places: TreePlaces): Promise<string | undefined> {
  return (await readRecord(places.directory).catch(undefinedWhenMissing))?.attempt;
}

/** Deletes what is not a log, first taken out of sight as a whole. */
async function removeContents(places: TreePlaces): Promise<void> {
  const names = (await readdir(places.directory)).filter((name) => !logNames.has(name));
  if (names.length === 0) return;
  const aside = path.join(places.staging, `removed-${randomUUID()}`);
  await mkdir(aside, { recursive: true });
  // STATUS first, then compose: nothing says that it is whole when it is not.
  names.sort((one, other) => order.indexOf(other) - order.indexOf(one));
  for (const name of names) await rename(path.join(places.directory, name), path.join(aside, name));
  await removeAll(aside);
}

async function clearAttempts(places: TreePlaces): Promise<void> {
  for (const name of await readdir(places.staging).catch(undefinedWhenMissing) ?? []) await removeAside(places, name);
}

/** Renamed first: an attempt that still writes there stops at once. */
async function removeAside({ staging }: TreePlaces, name: string): Promise<void> {
  const aside = path.join(staging, `removed-${randomUUID()}`);
  await rename(path.join(staging, name), aside).catch(undefinedWhenMissing);
  await removeAll(aside);
}

/** Takes the whole tree out of sight by one rename, then deletes it. */
export async function removeTree(places: TreePlaces): Promise<void> {
  await mkdir(places.staging, { recursive: true });
  await rename(places.directory, path.join(places.staging, `removed-${randomUUID()}`)).catch(undefinedWhenMissing);
  await syncDirectory(places.root);
  await removeAll(places.staging);
}

function undefinedWhenMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
  return undefined;
}
