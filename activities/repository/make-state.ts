import { isMillraceError, MillraceError, type ErrorCode } from '../../libs/errors/millrace-error.js';
import type { EngineOptions } from '../../libs/repository-engine/repository-engine.js';
import type { ChangeRequest, IndexFile, PlannedState } from '../../libs/repository/repository-change.js';
import type { RepositoryActivityOptions } from './repository-activity-options.js';
import type { StepProblem } from '../../workflows/repository/repository-activities.js';

/** The state that is being made; undefined where it is another one by now: then there is nothing to do. */
export async function plannedState(name: string, state: number, { reads }: Pick<RepositoryActivityOptions, 'reads'>): Promise<PlannedState | undefined> {
  const planned = await reads.planned(name);
  return planned?.state === state ? planned : undefined;
}

/** Errors: `storage-conflict` where it has to be written again. */
export async function writtenIndex(planned: PlannedState, options: EngineOptions, { engine }: Pick<RepositoryActivityOptions, 'engine'>): Promise<readonly IndexFile[]> {
  const index = await engine.preparedIndex(planned, options);
  if (index === undefined) throw new MillraceError('storage-conflict', `the index of state ${planned.state} of ${planned.repository} is not in the store any more; it is written again`);
  return index;
}

/** Of the repository, its store or its keys: no change is to blame, and with fewer of them it is the same. */
const everybodys: ReadonlySet<string> = new Set<ErrorCode>(['storage-refused', 'key-not-found', 'invalid-setting', 'repository-not-found']);

/**
 * The record decides whether it may be given up. What was put for it is taken away after: what a crash leaves in between is a stranger to every list, and pruned as one.
 * Where the problem names packages, only the changes that bring them fail; where it names none, no change fails before it is alone in a state.
 */
export async function abandonState(planned: PlannedState, problem: StepProblem, { commands, engine, reads, options }: RepositoryActivityOptions & { readonly options: EngineOptions }): Promise<boolean | 'divide'> {
  const named = await culpritsOf(planned, problem, reads);
  const divide = named === undefined && planned.changes.length > 1 && !everybodys.has(problem.code);
  const culprits = divide ? [] : named;
  try {
    await commands.abandoned(planned, problem, culprits);
  } catch (error) {
    if (isMillraceError(error) && error.code === 'record-conflict') return false;
    throw error;
  }
  await engine.withdraw(planned, options).catch((error: unknown) => {
    if (!isMillraceError(error) || options.signal.aborted) throw error;
  });
  return divide ? 'divide' : true;
}

/** Undefined: it names none. */
async function culpritsOf({ added, changes }: PlannedState, { details }: StepProblem, reads: RepositoryActivityOptions['reads']): Promise<readonly string[] | undefined> {
  const keys = new Set(details.map((detail) => (detail as { key?: unknown }).key));
  const bad = added.filter(({ key }) => keys.has(key));
  if (bad.length === 0) return undefined;
  const uploads = new Set(bad.map(({ upload }) => upload));
  const digests = new Set(bad.map(({ sha256 }) => sha256));
  const brings = (request: ChangeRequest): boolean =>
    request.kind === 'roll-back' || ('uploads' in request && request.uploads.some((upload) => uploads.has(upload))) || ('contents' in request && request.contents.some(({ sha256 }) => digests.has(sha256)));
  const culprits = (await reads.changesOf(changes)).filter(({ request }) => brings(request)).map(({ id }) => id);
  return culprits.length === 0 ? undefined : culprits;
}
