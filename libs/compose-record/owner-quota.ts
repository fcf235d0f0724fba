import type { Sql } from '../database/sql.js';
import { composeStates } from '../compose/compose-vocabulary.js';
import { MillraceError } from '../errors/millrace-error.js';

/** What an owner may have; undefined: as much as they like. */
export interface OwnerQuota {
  /** Composes that wait or are being generated, at once. */
  readonly composes?: number | undefined;
  /** In the distinct trees that the owner's composes promise. */
  readonly bytes?: number | undefined;
}

export interface OwnerUse {
  readonly composes: number;
  readonly bytes: number;
}

const { wait, generating, removed } = composeStates;
const shownExamples = 5;

/** Composes of one owner that have the same files have them once. A tree counts when it is whole: until then nobody knows how large it gets. */
const promisedTrees = `select t.id, t.bytes, array_agg(c.id order by c.id) as composes from composes c join compose_trees t on t.id = c.promises where c.owner = $1 and c.state <> ${removed} and t.bytes is not null group by t.id, t.bytes`;

export async function readOwnerUse(sql: Sql, owner: string): Promise<OwnerUse> {
  const [row] = await sql<{ composes: string; bytes: string }>(
    `select (select count(*) from composes where owner = $1 and state in (${wait}, ${generating})) as composes, (select coalesce(sum(bytes), 0) from (${promisedTrees}) as trees) as bytes`,
    [owner],
  );
  return { composes: Number(row?.composes ?? 0), bytes: Number(row?.bytes ?? 0) };
}

/**
 * Before a compose of this owner is created, in the same transaction: requests of one owner pass here one after the other until each is committed, whatever
 * gateway they came to. Errors: `quota-exceeded`.
 */
export async function takeFromQuota(sql: Sql, owner: string, quota: OwnerQuota | undefined): Promise<void> {
  if (quota?.composes === undefined && quota?.bytes === undefined) return;
  await queueUp(sql, owner);
  const use = await readOwnerUse(sql, owner);
  if (quota.composes !== undefined && use.composes >= quota.composes) throw await tooMany(sql, owner, { have: use.composes, limit: quota.composes });
  if (quota.bytes !== undefined && use.bytes >= quota.bytes) throw await tooLarge(sql, owner, { have: use.bytes, limit: quota.bytes });
}

/** Of a compose that lives longer: it takes nothing more, so only who keeps too much is refused. Errors: `quota-exceeded`. */
export async function keepWithinQuota(sql: Sql, owner: string, quota: OwnerQuota | undefined): Promise<void> {
  if (quota?.bytes === undefined) return;
  const { bytes } = await readOwnerUse(sql, owner);
  if (bytes > quota.bytes) throw await tooLarge(sql, owner, { have: bytes, limit: quota.bytes });
}

/** Any number that no other advisory lock of two numbers has in this database. Two owners with one hash wait for each other, and nothing worse. */
const quotaLocks = 520_731;

async function queueUp(sql: Sql, owner: string): Promise<void> {
  await sql('select pg_advisory_xact_lock($1, hashtext($2))', [quotaLocks, owner]);
}

interface Exceeded {
  readonly have: number;
  readonly limit: number;
}

async function tooMany(sql: Sql, owner: string, { have, limit }: Exceeded): Promise<MillraceError> {
  const rows = await sql<{ id: string }>(`select id from composes where owner = $1 and state in (${wait}, ${generating}) order by id limit ${shownExamples}`, [owner]);
  const examples = rows.map(({ id }) => id).join(', ');
  return new MillraceError('quota-exceeded', `${owner} has ${have} composes that wait or are being generated, and may have ${limit} at once`, {
    suggestion: limit === 0 ? 'An operator sets quotas in the access file.' : `Wait until one has ended, or cancel one: ${examples}${have > rows.length ? ', …' : ''}.`,
  });
}

async function tooLarge(sql: Sql, owner: string, { have, limit }: Exceeded): Promise<MillraceError> {
  const rows = await sql<{ bytes: string; composes: readonly string[] }>(`select bytes, composes from (${promisedTrees}) as trees order by bytes desc, id limit ${shownExamples}`, [owner]);
  const examples = rows.map(({ bytes, composes }) => `${composes.slice(0, shownExamples).join(' and ')}${composes.length > shownExamples ? ' and others' : ''} (${size(Number(bytes))})`).join(', ');
  return new MillraceError('quota-exceeded', `${owner} keeps ${size(have)} in composes, and may keep ${size(limit)}`, {
    suggestion: rows.length === 0 ? 'An operator sets quotas in the access file.' : `Delete composes that are not needed any more; the largest: ${examples}.`,
  });
}

function size(bytes: number): string {
  const power = Math.min(4, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** power).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power] ?? ''}`;
}
