import { isoUtc } from '../database/iso-utc.js';
import type { Sql } from '../database/sql.js';
import type { Compose } from '../compose/compose.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { composeStates, sourceTypes, type ComposeState } from '../compose/compose-vocabulary.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { LoadedCompose } from './load-composes.js';

const columns = `id bigint, owner text, source_type smallint, source text, state smallint, state_reason text, request text, inputs text, submitted_at timestamptz, started_at timestamptz, done_at timestamptz, expires_at timestamptz, removed_at timestamptz, removed_by text, cancelled_by text, reused_id bigint, promises bigint, koji_event bigint, pungi_compose_id text, plan text, label text, compose_type text, position bigint`;
const names = columns.split(', ').map((column) => column.slice(0, column.indexOf(' ')));

/** Parts of one statement; each reads its rows from a JSON parameter. */
export const writeComposes = (parameter: string): string => `insert into composes (${names.join(', ')}) select ${names.join(', ')} from json_to_recordset(${parameter}::json) as c(${columns})
  on conflict (id) do update set ${names.filter((name) => name !== 'id').map((name) => `${name} = excluded.${name}`).join(', ')}`;

export const writeTrees = (parameter: string): string => `insert into compose_trees (id, target_dir, inputs_digest, state, plan, pungi_compose_id, bytes)
  select id, target_dir, inputs_digest, state, plan, pungi_compose_id, bytes from json_to_recordset(${parameter}::json) as t(id bigint, target_dir text, inputs_digest text, state text, plan text, pungi_compose_id text, bytes bigint)
  on conflict (id) do update set inputs_digest = excluded.inputs_digest, state = excluded.state, plan = excluded.plan, pungi_compose_id = excluded.pungi_compose_id, bytes = excluded.bytes`;

/** What the projections are by the events, as those parameters: recording and rebuilding are the same. */
export function projectComposes(composes: readonly LoadedCompose[]): { readonly composes: string; readonly trees: string } {
  return { composes: JSON.stringify(composes.map(composeRow)), trees: JSON.stringify(composes.flatMap(treeRow)) };
}

export async function deleteTreeRow(sql: Sql, id: number): Promise<void> {
  await sql('delete from compose_trees where id = $1', [id]);
  await sql('delete from compose_packages where tree = $1', [id]);
}

function composeRow({ life, version, id }: LoadedCompose): object {
  const { compose, inputs, promises, cancelledBy } = life;
  if (compose === null) throw new MillraceError('record-corrupt', `the record of compose ${id} does not begin with its request`);
  const { request } = compose;
  return {
    id,
    owner: compose.owner,
    source_type: sourceTypes[request.sourceType],
    source: request.source.join(' '),
    state: composeStates[compose.state],
    state_reason: compose.stateReason,
    request: JSON.stringify(request),
    inputs: inputs === null ? null : JSON.stringify(inputs),
    submitted_at: compose.submittedAt,
    started_at: compose.startedAt,
    done_at: compose.doneAt,
    expires_at: compose.expiresAt,
    removed_at: compose.removedAt,
    removed_by: compose.removedBy,
    cancelled_by: cancelledBy,
    reused_id: compose.reusedId,
    promises,
    koji_event: compose.kojiEvent,
    pungi_compose_id: compose.pungiComposeId,
    plan: compose.plan,
    label: request.label,
    compose_type: request.composeType,
    position: version,
  };
}

function treeRow({ id, life: { compose, tree } }: LoadedCompose): object[] {
  if (compose === null || tree === null) return [];
  const files = compose.reusedId === null ? { plan: compose.plan, pungi_compose_id: compose.pungiComposeId } : { plan: null, pungi_compose_id: null };
  return [{ id, target_dir: compose.request.targetDir, inputs_digest: tree.inputsDigest, state: tree.state, bytes: tree.bytes, ...files }];
}

const instants = ['submitted_at', 'started_at', 'done_at', 'expires_at', 'removed_at'] as const;

export const selectedColumns = `id, owner, state, state_reason, request, ${instants.map((column) => `${isoUtc(column)} as ${column}`).join(', ')}, removed_by, reused_id, koji_event, pungi_compose_id, plan, position`;

export interface SelectedCompose extends Readonly<Record<'submitted_at' | 'expires_at', string>>, Readonly<Record<'started_at' | 'done_at' | 'removed_at', string | null>> {
  readonly id: string;
  readonly owner: string;
  readonly state: number;
  readonly state_reason: string | null;
  readonly request: string;
  readonly removed_by: string | null;
  readonly reused_id: string | null;
  readonly koji_event: string | null;
  readonly pungi_compose_id: string | null;
  readonly plan: string | null;
  readonly position: string;
}

const stateNames = new Map<number, ComposeState>(Object.entries(composeStates).map(([name, number]) => [number, name as ComposeState]));

export function toCompose(row: SelectedCompose, queuePosition: number | null): Compose {
  const state = stateNames.get(row.state);
  if (state === undefined) throw new MillraceError('record-corrupt', `compose ${row.id} has the state ${row.state}, which there is not`);
  return {
    id: Number(row.id),
    owner: row.owner,
    request: JSON.parse(row.request) as ComposeRequest,
    state,
    stateReason: row.state_reason,
    submittedAt: row.submitted_at,
    startedAt: row.started_at,
    doneAt: row.done_at,
    expiresAt: row.expires_at,
    removedAt: row.removed_at,
    removedBy: row.removed_by,
    reusedId: numberOrNull(row.reused_id),
    kojiEvent: numberOrNull(row.koji_event),
    pungiComposeId: row.pungi_compose_id,
    plan: row.plan,
    queuePosition,
    version: Number(row.position),
  };
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}
