import type { EventEmitter } from 'node:events';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { createCompose, deleteCompose, findCompose, hasEnded, listComposes, renewCompose, sourceTypeName, type ComposeView, type NewCompose } from './compose-api.js';
import { diffComposes, type ArchDifference, type ChangedPackage } from './compose-diff.js';
import { findLog } from './compose-log.js';
import { watchCompose } from './compose-progress.js';
import { readRpms } from './read-rpms.js';
import type { SessionCommandContext } from './session-command.js';
import { textTable } from './summary-table.js';
import { paint, printable, shorten, type Terminal } from './terminal.js';

export interface ComposeCommandContext extends SessionCommandContext {
  readonly exit: (code: number) => void;
  /** Emits signals by name: `process`. */
  readonly signals: EventEmitter;
}

export async function composeCreate(context: ComposeCommandContext, compose: NewCompose, options: { readonly wait: boolean; readonly idempotencyKey?: string | undefined }): Promise<void> {
  const created = await createCompose(context.client, compose, options.idempotencyKey);
  if (options.wait) return composeWait(context, created.id);
  print(context, created, () => composeText(created));
}

/** Waits until the compose has ended; Ctrl-C ends the waiting only. */
export async function composeWait(context: ComposeCommandContext, id: number): Promise<void> {
  const { client, terminal, signals } = context;
  const interrupted = new AbortController();
  let code = 0;
  const onInterrupt = (): void => {
    code = 130;
    interrupted.abort();
  };
  const onTerminate = (): void => {
    code = 143;
    interrupted.abort();
  };
  signals.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
  try {
    const compose = await watchCompose(id, { client, terminal, signal: interrupted.signal });
    if (hasEnded(compose)) return await ended(context, compose);
    terminal.err(`compose ${id} goes on without you. Wait again: millrace compose wait ${id}. End it: millrace compose cancel ${id}.\n`);
    context.exit(code);
  } finally {
    signals.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
  }
}

async function ended(context: ComposeCommandContext, compose: ComposeView): Promise<void> {
  if (compose.state_name !== 'done') {
    const reason = oneLine(compose.state_reason ?? 'no reason is given');
    const log = await findLog(compose.toplevel_url);
    throw new MillraceError('compose-failed', `compose ${compose.id} ${compose.state_name === 'failed' ? 'failed' : 'was removed'}: ${reason}`, log === undefined ? {} : { suggestion: `Its log: ${log}` });
  }
  print(context, compose, () => composeText(compose));
}

export async function composeList(context: SessionCommandContext, query: Readonly<Record<string, string | undefined>>): Promise<void> {
  const page = await listComposes(context.client, query);
  print(context, page, () => {
    const { page: number, pages, total } = page.meta;
    const more = pages > number ? `\nPage ${number} of ${pages}, ${total} composes. More: --page ${number + 1}` : '';
    return page.items.length === 0 ? 'No composes.' : `${composeTable(page.items)}${more}`;
  });
}

export async function composeGet(context: SessionCommandContext, id: number): Promise<void> {
  const compose = await findCompose(context.client, id);
  const log = await findLog(compose.toplevel_url);
  print(context, compose, () => composeText(compose, log ?? null));
}

export async function composeRenew(context: SessionCommandContext, id: number, { body, idempotencyKey }: { readonly body: object; readonly idempotencyKey?: string | undefined }): Promise<void> {
  const renewed = await renewCompose(context.client, id, body, idempotencyKey);
  print(context, renewed, () => (renewed.id === id ? `Compose ${id} is kept until ${printable(renewed.time_to_expire)}.` : `Compose ${id} is made again as compose ${renewed.id}.\n\n${composeText(renewed)}`));
}

/** The API has one request for both; here a compose that is done is not removed by somebody who means to end one that runs, nor the other way round. */
export async function composeEnd(context: SessionCommandContext, id: number, what: 'cancel' | 'delete'): Promise<void> {
  const compose = await findCompose(context.client, id);
  const running = !hasEnded(compose);
  if (running !== (what === 'cancel')) {
    const suggestion = running ? `Cancel it: millrace compose cancel ${id}.` : `Delete it: millrace compose delete ${id}.`;
    throw new MillraceError('compose-closed', `compose ${id} ${running ? 'has not ended yet' : `has ended already: it is ${compose.state_name}`}`, compose.state_name === 'removed' ? {} : { suggestion });
  }
  const message = await deleteCompose(context.client, id);
  print(context, { compose: id, message }, () => printable(message));
}

export async function composeDiff(context: SessionCommandContext, [before, after]: readonly [number, number]): Promise<void> {
  const [one, other] = await Promise.all([before, after].map(async (id) => readRpms(await findCompose(context.client, id))));
  const arches = diffComposes(one, other);
  print(context, { before, after, arches }, () => diffText(arches, context.terminal));
}

function print(context: SessionCommandContext, value: unknown, text: () => string): void {
  context.terminal.out(`${context.json ? JSON.stringify(value) : text()}\n`);
}

function composeTable(composes: readonly ComposeView[]): string {
  const rows = composes.map((compose) => [
    String(compose.id),
    compose.state_name,
    sourceTypeName(compose.source_type),
    shorten(printable(compose.source), 50),
    shorten(printable(compose.arches), 24),
    shorten(printable(compose.owner), 24),
    printable(compose.time_submitted),
    printable(compose.time_to_expire),
  ]);
  return textTable(['compose', 'state', 'type', 'source', 'arches', 'owner', 'submitted', 'expires'], rows, [0]);
}

function composeText(compose: ComposeView, log: string | null = null): string {
  const lines: readonly (readonly [string, string | null])[] = [
    ['compose', String(compose.id)],
    ['state', compose.state_name],
    ['reason', compose.state_reason],
    ['owner', compose.owner],
    ['source', `${sourceTypeName(compose.source_type)} ${compose.source}`],
    ['packages', compose.packages],
    ['arches', compose.arches],
    ['submitted', compose.time_submitted],
    ['expires', compose.time_to_expire],
    ['.repo file', compose.result_repofile],
    ['files', compose.toplevel_url],
    ['log', log],
  ];
  return lines.filter((line): line is readonly [string, string] => line[1] !== null && line[1] !== '').map(([name, value]) => `${name.padEnd(10)}  ${oneLine(value)}`).join('\n');
}

function oneLine(text: string): string {
  return text.split('\n').map(printable).join('; ');
}

function diffText(arches: readonly ArchDifference[], terminal: Terminal): string {
  const changed = arches.filter(({ added, removed, upgraded, downgraded }) => added.length + removed.length + upgraded.length + downgraded.length > 0);
  if (changed.length === 0) return 'The same packages in both.';
  return changed.map((arch) => [paint(terminal, 'bold', arch.arch), ...section('added', arch.added), ...section('removed', arch.removed), ...section('upgraded', arch.upgraded), ...section('downgraded', arch.downgraded)].join('\n')).join('\n\n');
}

function section(title: string, changes: readonly ChangedPackage[]): readonly string[] {
  if (changes.length === 0) return [];
  return [`  ${title}: ${changes.length}`, ...changes.map(({ name, before, after }) => `    ${printable([name, before, before === null || after === null ? null : '→', after].filter((part) => part !== null).join(' '))}`)];
}
