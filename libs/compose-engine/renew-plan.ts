import type { ComposePlan, PlannedPackage, PlannedTree } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { readFile } from 'node:fs/promises';
import { packageFileName } from './compose-layout.js';
import type { FetchedPackage } from './fetched-package.js';
import type { GenerationContext } from './generation-context.js';
import { listed } from './listed.js';
import { everyPackage } from './plan-documents.js';
import { chooseSigned, refuseUnsigned } from './signature-choice.js';
import type { ContentStore } from '../repository-source/content-store.js';
import { isMissing } from '../errors/system-error.js';

/** The very packages of an earlier plan. What the store has not kept is fetched again from where it came. Errors: `unresolvable` naming what is gone. */
export async function renewPlan(context: GenerationContext, request: ComposeRequest): Promise<ComposePlan> {
  const digest = request.pinnedPlan as string;
  const plan = await readPlan(context.store, digest);
  const packages = [...new Map(everyPackage(plan.trees).map((item) => [item.sha256, item])).values()];
  context.log.step(`taking the ${packages.length} packages of plan ${digest}`);
  await bringBack(context, packages);
  for (const document of [...plan.groups, ...plan.modules]) {
    if (!(await context.store.has(document))) throw gone(`the group or module metadata ${document}`);
  }
  const signed = await withWantedKeys(context, packages, request.sigkeys);
  const rename = (list: readonly PlannedPackage[]) => list.map((item) => ({ ...item, sigkey: signed.get(item.sha256) ?? item.sigkey }));
  const trees = plan.trees.map((tree): PlannedTree => ({ arch: tree.arch, packages: rename(tree.packages), debuginfo: rename(tree.debuginfo), sources: rename(tree.sources) }));
  return { ...plan, trees, results: [...request.results].sort() };
}

/** Errors: `unresolvable` for one that is gone. */
export async function readPlan(store: ContentStore, digest: string): Promise<ComposePlan> {
  let text: string;
  try {
    text = await readFile(store.file(digest), 'utf8');
  } catch (error) {
    if (isMissing(error)) throw gone(`the plan ${digest}`);
    throw error;
  }
  const plan = JSON.parse(text) as ComposePlan;
  if (plan.version !== 1) throw gone(`a plan of the version ${String(plan.version)}`);
  return plan;
}

function gone(what: string): MillraceError {
  return new MillraceError('unresolvable', `the compose cannot be made again: ${what} is not kept any more`, { suggestion: 'Ask for a new compose of the same sources.' });
}

async function bringBack(context: GenerationContext, packages: readonly PlannedPackage[]): Promise<void> {
  const lost: string[] = [];
  let done = 0;
  for (const item of packages) {
    context.signal.throwIfAborted();
    if (!(await context.store.has(item.sha256)) && !(await fetchAgain(context, item))) lost.push(`${packageFileName(item)} (was at ${item.from})`);
    done += 1;
    context.progress('fetch', done, packages.length);
  }
  if (lost.length > 0) {
    throw new MillraceError('unresolvable', `the compose cannot be made again: ${lost.length} of its packages are gone: ${listed(lost)}`, { suggestion: 'Ask for a new compose of what the sources have now.' });
  }
}

async function fetchAgain(context: GenerationContext, item: PlannedPackage): Promise<boolean> {
  try {
    await context.source.fetch({ location: item.from, checksum: { algorithm: 'sha256', hex: item.sha256 }, size: item.size }, { signal: context.signal });
    return true;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isMillraceError(error) || (error.code !== 'source-invalid' && error.code !== 'source-changed')) throw error;
    context.log.error(errorMessage(error));
    return false;
  }
}

/** Of packages by digest: the key that the request's `sigkeys` choose. */
async function withWantedKeys(context: GenerationContext, packages: readonly PlannedPackage[], sigkeys: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const chosen = new Map<string, string>();
  const refused = new Map<string, readonly string[]>();
  for (const planned of sigkeys.length === 0 ? [] : packages) {
    const { keyIds } = await context.writer.describe(planned.sha256);
    const candidate: FetchedPackage = { planned, keyIds };
    const signed = chooseSigned([candidate], sigkeys);
    if (signed === undefined) refused.set(packageFileName(planned), keyIds);
    else chosen.set(planned.sha256, signed.planned.sigkey);
  }
  refuseUnsigned(context, refused, sigkeys);
  return chosen;
}
