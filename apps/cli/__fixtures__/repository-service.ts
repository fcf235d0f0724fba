import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RecordingServer, type SeenRequest } from './recording-server.js';

const at = '2026-11-21T20:00:00.000Z';

/** `/v1/repositories` as the gateway's contract has it, with the one repository `stable`. */
export class RepositoryService extends RecordingServer {
  state = 4;
  readonly listed = new Map<string, string>();
  readonly uploads = new Map<string, { readonly id: string; readonly fileName: string; readonly sha256: string; readonly size: number }>();
  /** Bytes of uploads whose connections are cut before they are answered. */
  cutUploads = 0;
  /** Requests for changes that are done although their connections are cut. */
  cutChanges = 0;
  /** How often a change is still going on when it is asked for. */
  goesOn = 0;
  problem: { readonly status: number; readonly code: string; readonly detail: string; readonly mistakes?: readonly object[] } | undefined;
  findings: readonly object[] = [];
  readonly changes = new Map<string, object>();

  static start(): Promise<RepositoryService> {
    return new RepositoryService('spec:secret').listen();
  }

  protected override answer(request: SeenRequest & { readonly text: string }, incoming: IncomingMessage, response: ServerResponse): void {
    if (!this.isAllowed(incoming)) return problem(response, { status: 401, code: 'unauthorized', detail: 'credentials are missing' });
    const url = new URL(incoming.url ?? '', 'http://x');
    const [, , , name, part = '', id = ''] = url.pathname.split('/').map(decodeURIComponent);
    if (url.pathname.startsWith('/v1/packages/')) return json(response, { items: [{ session: 'c0ffee\u001b[31m', found: true }, { compose: 7, found: true }, { cache: { instance: 'main', key: 'built\u001b[31m' }, found: true }, { repository: 'other', build: 'b7', session: 'd', found: true }, { repository: 'other', found: true }, { repository: 'stable', found: true }] });
    if (name === undefined) return json(response, incoming.method === 'POST' ? { ...this.#view(), status: undefined, ...(request.body as object) } : { items: [this.#view()], nextCursor: url.searchParams.has('limit') ? 'stable' : null });
    if (name !== 'stable') return problem(response, { status: 404, code: 'repository-not-found', detail: `there is no repository ${name}` });
    if (incoming.method === 'DELETE') return void response.writeHead(204).end();
    if (part === '') return json(response, this.#view());
    if (part === 'uploads') return this.#upload(request, { incoming, response, url, id });
    if (part === 'packages') return this.#package(response, id);
    if (part === 'changes') return id === '' ? json(response, { items: [...this.changes.values()], nextCursor: null }) : this.#change(response, id);
    if (part === 'states') return json(response, { items: [{ state: 4, at, kinds: ['publish'], by: ['ann\u001b[31m'], packages: 2, added: 1, removed: 0 }], nextCursor: null });
    if (part === 'diff') return json(response, { from: Number(url.searchParams.get('from')), to: Number(url.searchParams.get('to')), added: [this.#listed('new.rpm')], removed: [this.#listed('old.rpm')] });
    if (part === 'prune') return json(response, { ...(request.body as object), moved: ['old.rpm'], deleted: [], strangers: [] });
    if (part === 'check') return json(response, { findings: this.findings });
    if (part === 'report.txt') return void response.writeHead(200, { 'content-type': 'text/plain' }).end(`repo consistency report at 4\n${this.findings.length} findings \u001b[31m\na.rpm:\n\trequires b\n`);
    if (part === 'repair') return json(response, { steps: [{ action: 'bring-back', path: 'a.rpm', package: 'a.rpm' }, { action: 'write-index' }], left: [{ message: 'b.rpm needs c' }], changes: this.#going(request) });
    if (part === 'sync' || part === 'import') return json(response, { asked: request.body, listed: 3, wanted: 2, taken: 1, bytes: 2048, removed: ['old.rpm'], refused: [{ path: 'bad.rpm', code: 'digest-mismatch', reason: 'other bytes\u001b[31m' }], refusals: 1, changes: this.#going(request) });
    this.#ask(request, { response, kind: part });
  }

  /** The changes that maintenance has asked for. */
  #going({ body }: SeenRequest): readonly string[] {
    if ((body as { readonly dryRun: boolean }).dryRun) return [];
    const ended = this.problem === undefined ? { phase: 'done', outcome: { state: (this.state += 1), added: [], same: [], removed: [], obsoleted: [] }, problem: null } : { phase: 'failed', outcome: null, problem: { code: this.problem.code, message: this.problem.detail, details: [] } };
    this.changes.set('going', { id: 'going', repository: 'stable', kind: 'synchronise', by: 'spec', ...ended, requestedAt: at, endedAt: at });
    return ['going'];
  }

  #ask({ body }: SeenRequest, { response, kind }: { readonly response: ServerResponse; readonly kind: string }): void {
    const { changeId = '', uploads = [], keys = [], dryRun = false } = body as { readonly changeId?: string; readonly uploads?: readonly string[]; readonly keys?: readonly string[]; readonly dryRun?: boolean };
    const added = uploads.map((each) => this.uploads.get(each)?.fileName ?? 'lost');
    if (dryRun) return json(response, { dryRun, added: added.map((key) => this.#listed(key)), same: [], removed: keys.map((key) => this.#listed(key)), obsoleted: [], problem: this.problem === undefined ? null : { code: this.problem.code, message: this.problem.detail, details: [] } });
    if (this.problem !== undefined) return problem(response, this.problem);
    if (!this.changes.has(changeId)) this.changes.set(changeId, { id: changeId, repository: 'stable', kind, by: 'spec', phase: 'done', outcome: { state: (this.state += 1), added, same: [], removed: keys, obsoleted: [] }, problem: null, requestedAt: at, endedAt: at });
    if ((this.cutChanges -= 1) >= 0) return void response.socket?.destroy();
    this.#change(response, changeId);
  }

  #change(response: ServerResponse, id: string): void {
    const change = this.changes.get(id);
    if (change === undefined) return problem(response, { status: 404, code: 'change-not-found', detail: 'no such change' });
    const going = (this.goesOn -= 1) >= 0;
    json(response, going ? { ...change, phase: 'waiting', outcome: null, endedAt: null } : change, going ? 202 : 200);
  }

  #upload({ text }: { readonly text: string }, { incoming, response, url, id }: { readonly incoming: IncomingMessage; readonly response: ServerResponse; readonly url: URL; readonly id: string }): void {
    const known = this.uploads.get(id);
    if (incoming.method === 'GET') return known === undefined ? problem(response, { status: 404, code: 'upload-not-found', detail: 'no such upload' }) : json(response, known);
    const sha256 = createHash('sha256').update(text).digest('hex');
    if (incoming.headers['repr-digest'] !== `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`) return problem(response, { status: 422, code: 'digest-mismatch', detail: 'other bytes' });
    const upload = { id: url.searchParams.get('id') ?? '', fileName: url.searchParams.get('fileName') ?? '', sha256, size: Number(incoming.headers['content-length']) };
    if ((this.cutUploads -= 1) >= 0) return void response.socket?.destroy();
    this.uploads.set(upload.id, upload);
    json(response, upload, 201);
  }

  #package(response: ServerResponse, key: string): void {
    if (key === '') return json(response, { state: this.state, items: [this.#listed('bash.rpm')], nextCursor: null });
    const sha256 = this.listed.get(key);
    if (sha256 === undefined) return problem(response, { status: 404, code: 'package-not-found', detail: `no ${key}` });
    json(response, { ...this.#listed(key), sha256, listed: [{ from: 2, until: null }], origin: { build: 'b\u001b[31m7', compose: 7, found: true }, publishedBy: 'ann' });
  }

  #listed(key: string): object {
    return { key, sha256: 'a'.repeat(64), size: 2048, name: key, version: '1-1', architecture: 'noarch', addedAt: at, url: `${this.address}/repositories/stable/${key}` };
  }

  #view(): object {
    return { name: 'stable', kind: 'rpm', place: { store: 'default', folder: 'stable' }, settings: { keys: ['release'] }, state: this.state, packages: 2, bytes: 4096, createdAt: at, createdBy: 'ann', changedAt: at, links: { files: `${this.address}/repositories/stable/`, bucket: null }, status: { step: 'idle', waiting: 0, trouble: null }, upkeep: { check: { at, trouble: null }, synchronisation: { at, trouble: 'the upstream\u001b[31m is away' } } };
  }
}

function json(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function problem(response: ServerResponse, { status, code, detail, mistakes }: { readonly status: number; readonly code: string; readonly detail: string; readonly mistakes?: readonly object[] }): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ status, code, detail, suggestion: 'Do this.', ...(mistakes === undefined ? {} : { mistakes }) }));
}
