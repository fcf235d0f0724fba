import type { Sql } from '../database/sql.js';
import { isUniqueViolation } from '../database/database-errors.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { PinnedInputs } from '../compose/compose-plan.js';
import type { OwnTree } from '../compose/compose-life.js';
import type { TreeName } from '../compose-engine/compose-engine.js';
import { change, type RecordContext } from './carry-out.js';
import { inputsDigest } from './inputs-digest.js';
import { lockCompose, type LoadedCompose } from './load-composes.js';
import { readCompose } from './read-composes.js';

export interface TreeClaim {
  readonly kind: 'generate' | 'follow' | 'reuse';
  readonly tree: TreeName;
}

/** Whether the files of a finished tree are really where they should be. */
export type IsThere = (tree: TreeName) => Promise<boolean>;

type Outcome = TreeClaim | { readonly kind: 'failed'; readonly reason: string } | { readonly kind: 'again' };

/** Claims that lose a race for the same inputs look again; each time somebody else has won. */
const attempts = 20;

/**
 * Whoever makes the files of these inputs has the row that is unique for them. Locks are taken in one order, stream before row; a claim that
 * rests on another's row holds a share of it until it has promised the files, so a release of that tree is either before it or sees it.
 */
export async function claimTree(context: RecordContext, id: number, isThere: IsThere = () => Promise.resolve(true)): Promise<TreeClaim> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const outcome = await claimOnce(context, id, isThere);
    if (outcome.kind === 'failed') throw new MillraceError('compose-closed', outcome.reason);
    if (outcome.kind !== 'again') return outcome;
  }
  throw new MillraceError('record-conflict', `compose ${id} could not claim its files: others come and go too fast`);
}

async function claimOnce(context: RecordContext, id: number, isThere: IsThere): Promise<Outcome> {
  try {
    return await context.transaction(async (sql) => claim(sql, context, { claimant: await lockCompose(sql, id), isThere }));
  } catch (error) {
    if (isUniqueViolation(error)) return { kind: 'again' };
    throw error;
  }
}

async function claim(sql: Sql, context: RecordContext, { claimant, isThere }: Pick<Claimant, 'claimant' | 'isThere'>): Promise<Outcome> {
  const { compose, inputs, promises, tree } = claimant.life;
  if (compose === null) throw new MillraceError('compose-not-found', 'No such compose found.');
  const { targetDir } = compose.request;
  if (compose.state === 'done' && promises !== null) return { kind: 'reuse', tree: { id: promises, targetDir } };
  if (compose.state !== 'generating') throw new MillraceError('compose-closed', `Compose (id=${compose.id}) is not being generated: its state is ${compose.state}.`);
  if (promises === compose.id && tree?.state === 'generating') return { kind: 'generate', tree: { id: compose.id, targetDir } };
  if (inputs === null) throw new MillraceError('compose-closed', `Compose (id=${compose.id}) has not pinned its sources.`);
  if (promises !== null && (await readTreeState(sql, promises)) === 'failed') return failWith(sql, context, { claimant, leader: promises });
  return claimInputs(sql, context, { claimant, inputs, targetDir, isThere });
}

interface Claimant {
  readonly claimant: LoadedCompose;
  readonly inputs: PinnedInputs;
  readonly targetDir: string;
  readonly isThere: IsThere;
}

async function claimInputs(sql: Sql, context: RecordContext, { claimant, inputs, targetDir, isThere }: Claimant): Promise<Outcome> {
  const { digest, live } = await findLiveTree(sql, { claimant, inputs, targetDir, isThere });
  if (live === undefined) {
    if (!(await becomeLeader(sql, { id: claimant.id, targetDir, digest }))) return { kind: 'again' };
    await change(sql, context, { before: claimant, command: { type: 'ClaimTree', inputsDigest: digest } });
    return { kind: 'generate', tree: { id: claimant.id, targetDir } };
  }
  const tree = { id: live.id, targetDir: live.targetDir };
  if (live.state === 'generating') {
    await change(sql, context, { before: claimant, command: { type: 'FollowCompose', leader: live.id } });
    return { kind: 'follow', tree };
  }
  const reused = { id: live.id, pungiComposeId: live.pungiComposeId, plan: live.plan };
  await change(sql, context, { before: claimant, command: { type: 'ReuseCompose', reused, now: context.now() } });
  return { kind: 'reuse', tree };
}

/** The unique index decides; who comes second waits for the first to commit, and finds its row the next time. */
async function becomeLeader(sql: Sql, { id, targetDir, digest }: { readonly id: number; readonly targetDir: string; readonly digest: string }): Promise<boolean> {
  const updated = await sql(`update compose_trees set inputs_digest = $2, state = 'generating', plan = null, pungi_compose_id = null, packages_known = false where id = $1 returning id`, [id, digest]);
  if (updated.length > 0) return true;
  const inserted = await sql(`insert into compose_trees (id, target_dir, inputs_digest, state) values ($1, $2, $3, 'generating') on conflict do nothing returning id`, [id, targetDir, digest]);
  return inserted.length > 0;
}

/** Files that somebody has deleted past this service are nobody's to reuse: then the compose makes its own, and whoever promised the others keeps their row. */
async function findLiveTree(sql: Sql, { claimant: { id }, inputs, isThere }: Claimant): Promise<{ readonly digest: string; readonly live: LiveTree | undefined }> {
  const digest = inputsDigest(id, inputs);
  const live = await shareLiveTree(sql, digest);
  if (live?.state !== 'ready' || (await isThere({ id: live.id, targetDir: live.targetDir }))) return { digest, live };
  const { request } = inputs;
  const own = inputsDigest(id, { ...inputs, request: { ...request, flags: [...request.flags, 'no_reuse'] } });
  return { digest: own, live: await shareLiveTree(sql, own) };
}

interface LiveTree extends TreeName {
  readonly state: OwnTree['state'];
  readonly plan: string | null;
  readonly pungiComposeId: string | null;
}

async function shareLiveTree(sql: Sql, digest: string): Promise<LiveTree | undefined> {
  const [row] = await sql<{ id: string; target_dir: string; state: OwnTree['state']; plan: string | null; pungi_compose_id: string | null }>(
    `select id, target_dir, state, plan, pungi_compose_id from compose_trees where inputs_digest = $1 and state in ('generating', 'ready') for share`,
    [digest],
  );
  if (row === undefined) return undefined;
  return { id: Number(row.id), targetDir: row.target_dir, state: row.state, plan: row.plan, pungiComposeId: row.pungi_compose_id };
}

async function readTreeState(sql: Sql, id: number): Promise<OwnTree['state'] | undefined> {
  const [row] = await sql<{ state: OwnTree['state'] }>('select state from compose_trees where id = $1 for share', [id]);
  return row?.state;
}

async function failWith(sql: Sql, context: RecordContext, { claimant, leader }: { readonly claimant: LoadedCompose; readonly leader: number }): Promise<Outcome> {
  const why = (await readCompose(sql, leader))?.stateReason ?? 'it is not known why';
  const reason = `Compose ${leader}, which generates the same files, has failed: ${why}`;
  await change(sql, context, { before: claimant, command: { type: 'FailCompose', reason, final: true, leader, now: context.now() } });
  return { kind: 'failed', reason };
}
