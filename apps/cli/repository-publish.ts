import { randomUUID } from 'node:crypto';
import { MillraceError, isMillraceError } from '../../libs/errors/millrace-error.js';
import type { ControlClient } from './control-client.js';
import { findChange, findRepository, isPreview, requestChange, type ChangeAction, type ChangeView, type PreviewView } from './repository-api.js';
import { isListed, readPackageFiles, uploadPackages, type PackageFile } from './repository-upload.js';
import { paint, printable, readableSize, type Terminal } from './terminal.js';

/** Of one change. */
const mostPackages = 1000;
/** Seconds that one answer is waited for. */
const waitSeconds = 30;

export interface AskedPublication {
  readonly name: string;
  readonly files: readonly string[];
  /** Bytes that Millrace has of the cache, session or compose that is named. */
  readonly digests: readonly string[];
  /** Instance of the artifact cache that has the digests, and key of the entry that led to them. */
  readonly cache: { readonly instance: string; readonly key?: string } | undefined;
  readonly origin: { readonly session?: string; readonly compose?: number; readonly build?: string };
  readonly component: string | undefined;
  readonly changeId: string | undefined;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly wait: boolean;
}

export interface ChangeContext {
  readonly client: ControlClient;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** What there was to publish, and what became of it; `change` undefined: all was there already. */
export interface Publication {
  readonly state: number | undefined;
  readonly listed: readonly string[];
  readonly change: ChangeView | PreviewView | undefined;
}

export async function publishPackages(asked: AskedPublication, context: ChangeContext): Promise<Publication> {
  if (asked.files.length + asked.digests.length === 0) throw new MillraceError('invalid-request', 'there is nothing to publish', { suggestion: 'Name package files, or --digest of what a session or compose has.' });
  if (asked.files.length + asked.digests.length > mostPackages) throw new MillraceError('invalid-request', `at most ${mostPackages} packages go into one change`, { suggestion: 'Publish them in several.' });
  const { client, terminal, signal } = context;
  const files = await readPackageFiles(asked.files);
  const { state } = await findRepository(client, asked.name);
  const listed: PackageFile[] = [];
  const others: PackageFile[] = [];
  for (const file of files) ((await isListed(client, asked.name, file)) ? listed : others).push(file);
  for (const { fileName } of listed) tell(terminal, `${printable(fileName)} is published already`);
  const contents = contentsOf(asked);
  if (others.length + contents.length === 0) return { state, listed: listed.map(({ fileName }) => fileName), change: undefined };
  const changeId = asked.changeId ?? randomUUID();
  const body = { origin: asked.origin, contents, ...(asked.component === undefined ? {} : { component: asked.component }), force: asked.force, dryRun: asked.dryRun, changeId };
  try {
    let done = 0;
    const uploads = await uploadPackages(others, {
      client,
      name: asked.name,
      changeId,
      signal,
      onUploaded: ({ fileName, size }, sent) => tell(terminal, `[${(done += 1)}/${others.length}] ${printable(fileName)} ${sent ? 'is uploaded' : 'was uploaded before'} (${readableSize(size)})`),
    });
    const change = await applyChange({ name: asked.name, action: 'publish', body: { ...body, uploads: [...new Set(uploads.map(({ id }) => id))] }, wait: asked.wait }, context);
    return { state: undefined, listed: listed.map(({ fileName }) => fileName), change };
  } catch (error) {
    throw signal.aborted || (isMillraceError(error) && error.code === 'service-unavailable') ? broken(error, changeId) : error;
  }
}

/** Asks for a change until the service has it, and waits for its end. All of it may be asked for again: the change has an id. */
export async function applyChange({ name, action, body, wait }: { readonly name: string; readonly action: ChangeAction; readonly body: object; readonly wait: boolean }, { client, terminal, signal }: ChangeContext): Promise<ChangeView | PreviewView> {
  const given = { changeId: randomUUID(), ...body };
  const asked = { name, action, body: given, wait: wait ? waitSeconds : 0, signal };
  let change = await requestChange(client, asked).catch((error: unknown) => {
    if (signal.aborted || !isMillraceError(error) || error.code !== 'service-unavailable') throw error;
    return requestChange(client, asked);
  });
  if (isPreview(change)) return change;
  if (!wait) return change;
  if (change.endedAt === null) {
    tell(terminal, `the change ${change.id} is recorded and goes on`);
    change = await changeEnd(name, change.id, { client, signal });
  }
  if (change.problem !== null) throw failed(change);
  return change;
}

/** The change when it has ended, well or not. */
export async function changeEnd(name: string, id: string, { client, signal }: Pick<ChangeContext, 'client' | 'signal'>): Promise<ChangeView> {
  for (;;) {
    signal.throwIfAborted();
    const change = await findChange(client, name, { id, wait: waitSeconds });
    if (change.endedAt !== null) return change;
  }
}

export function failed({ problem }: Pick<ChangeView, 'problem'>): MillraceError {
  const { code, message, details } = problem ?? { code: 'internal', message: 'the change failed', details: [] };
  return new MillraceError(code as MillraceError['code'], message, { details });
}

function contentsOf({ digests, cache, origin }: AskedPublication): readonly object[] {
  const { session, compose } = origin;
  if (cache !== undefined && digests.length === 0) throw new MillraceError('invalid-request', '--cache goes with --digest, which names what it has');
  if (digests.length === 0) return [];
  if (cache !== undefined) return digests.map((sha256) => ({ sha256, from: { cache: cache.instance } }));
  if ((session === undefined) === (compose === undefined)) throw new MillraceError('invalid-request', '--digest goes with --cache, --session or --compose, which has the bytes');
  return digests.map((sha256) => ({ sha256, from: session === undefined ? { compose } : { session } }));
}

function broken(cause: unknown, changeId: string): MillraceError {
  const suggestion = `What was uploaded is kept for a day. Run the same again with --change-id ${changeId}: nothing is sent or published twice.`;
  return new MillraceError('service-unavailable', `the connection broke while packages were published: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, suggestion });
}

function tell(terminal: Terminal, line: string): void {
  terminal.err(`${paint(terminal, 'dim', line)}\n`);
}
