import { writeFile } from 'node:fs/promises';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { Environment } from '../../libs/settings/settings.js';
import type { ControlClient } from './control-client.js';
import { createSession, endSession, findSession, listSessions, readDownloads, readEnvironment, readReport, revokeSession } from './session-api.js';
import type { CreatedSession, Download, NewSession, Session, Shell } from './session-api.js';
import { textTable } from './summary-table.js';
import { printable, readableSize, shorten } from './terminal.js';
import type { Terminal } from './terminal.js';

/** What every `millrace session …` is given. */
export interface SessionCommandContext {
  readonly client: ControlClient;
  readonly terminal: Terminal;
  readonly json: boolean;
}

export async function sessionCreate(context: SessionCommandContext, session: NewSession): Promise<void> {
  const created = await createSession(context.client, session);
  print(context, created, () => createdText(created));
}

export async function sessionList(context: SessionCommandContext, query: Readonly<Record<string, string | undefined>>): Promise<void> {
  const page = await listSessions(context.client, query);
  print(context, page, () => {
    const more = page.nextCursor === null ? '' : `\nMore: --cursor ${page.nextCursor}`;
    return page.items.length === 0 ? 'No sessions.' : `${sessionTable(page.items)}${more}`;
  });
}

export async function sessionShow(context: SessionCommandContext, id: string): Promise<void> {
  const session = await findSession(context.client, id);
  print(context, session, () => sessionText(session));
}

export async function sessionDownloads(context: SessionCommandContext, id: string): Promise<void> {
  const downloads = await readDownloads(context.client, id);
  print(context, { items: downloads }, () => (downloads.length === 0 ? 'Nothing yet.' : downloadTable(downloads)));
}

export async function sessionEnvironment(
  context: SessionCommandContext,
  id: string,
  options: { readonly token: string | undefined; readonly shell: Shell },
): Promise<void> {
  const token = options.token ?? tokenOf(context.terminal.environment);
  const text = await readEnvironment(context.client, id, { token, shell: context.json ? 'json' : options.shell });
  context.terminal.out(text.endsWith('\n') ? text : `${text}\n`);
}

export async function sessionRevoke(context: SessionCommandContext, id: string): Promise<void> {
  const revoked = await revokeSession(context.client, id);
  print(context, revoked, () => `Session ${id} is revoked: no request of it goes upstream any more.`);
}

export async function sessionReport(context: SessionCommandContext, id: string, file: string | undefined): Promise<void> {
  const report = await readReport(context.client, id);
  if (file === undefined) return context.terminal.out(report.endsWith('\n') ? report : `${report}\n`);
  await writeFile(file, report);
  print(context, { session: id, report: file }, () => `Report of session ${id}: ${file}`);
}

export async function sessionEnd(context: SessionCommandContext, id: string): Promise<void> {
  await endSession(context.client, id);
  print(context, { session: id, ended: true }, () => `Session ${id} has ended.`);
}

/** A token in the arguments shows in the process list, so the environment is the usual way. */
function tokenOf(environment: Environment): string {
  const token = environment.MILLRACE_SESSION_TOKEN;
  if (token === undefined || token === '') {
    throw new MillraceError('invalid-request', 'the token of the session is needed', {
      suggestion: 'Set MILLRACE_SESSION_TOKEN, or give --token; `session create` shows it once.',
    });
  }
  return token;
}

function print(context: SessionCommandContext, value: unknown, text: () => string): void {
  context.terminal.out(`${context.json ? JSON.stringify(value) : text()}\n`);
}

function createdText(created: CreatedSession): string {
  return [
    `session  ${created.id}`,
    `token    ${created.token}`,
    `proxy    ${created.proxyUrl}`,
    `policy   ${created.policy}`,
    `expires  ${created.expiresAt}`,
    '',
    'Set up a shell for it:',
    `  eval "$(MILLRACE_SESSION_TOKEN=${created.token} millrace session env ${created.id})"`,
  ].join('\n');
}

function sessionTable(sessions: readonly Session[]): string {
  const rows = sessions.map(({ id, state, policy, owner, openedAt, totals }) => [
    id,
    state,
    policy,
    shorten(printable(owner), 24),
    openedAt,
    String(totals.downloads),
    readableSize(totals.bytes),
    String(totals.violations),
  ]);
  return textTable(['session', 'state', 'policy', 'owner', 'opened', 'downloads', 'size', 'violations'], rows, [5, 6, 7]);
}

function sessionText(session: Session): string {
  const { totals } = session;
  return [
    `session     ${session.id}`,
    `state       ${session.state}`,
    `policy      ${session.policy}`,
    `owner       ${printable(session.owner)}`,
    `opened      ${session.openedAt}`,
    `expires     ${session.expiresAt}`,
    `downloads   ${totals.downloads} (${readableSize(totals.bytes)})`,
    `violations  ${totals.violations}`,
    `refused     ${totals.refused}`,
    `failed      ${totals.failed}`,
    ...(session.links.workflow === null ? [] : [`workflow    ${session.links.workflow}`]),
  ].join('\n');
}

function downloadTable(downloads: readonly Download[]): string {
  const rows = downloads.map((download) => [
    download.kind,
    download.status === null ? '' : String(download.status),
    shorten(printable(download.name), 30),
    shorten(printable(download.version), 16),
    readableSize(download.size),
    download.verdict ?? '',
    shorten(printable(`${download.method} ${download.url}`), 90),
  ]);
  return textTable(['outcome', 'status', 'name', 'version', 'size', 'verdict', 'request'], rows, [1, 4]);
}
