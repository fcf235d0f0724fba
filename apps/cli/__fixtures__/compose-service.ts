import type { IncomingMessage, ServerResponse } from 'node:http';
import { composeStates, sourceTypes } from '../../../libs/compose/compose-vocabulary.js';
import { RecordingServer, type SeenRequest } from './recording-server.js';

export interface SpecCompose {
  readonly id: number;
  state: keyof typeof composeStates;
  reason: string | null;
  queuePosition: number | null;
  log: string;
  /** The compose whose files it has. */
  reusedId: number | null;
  attempts: number | null;
  rpms: object | undefined;
}

/** `/api/1`, `/v1/composes` and the files of composes, as the gateway's contract has them. */
export class ComposeService extends RecordingServer {
  readonly #composes = new Map<number, SpecCompose>();
  readonly #waiting = new Set<() => void>();

  static start(): Promise<ComposeService> {
    return new ComposeService('spec:secret').listen();
  }

  compose(id: number): SpecCompose {
    const known = this.#composes.get(id);
    if (known !== undefined) return known;
    const compose: SpecCompose = { id, state: 'wait', reason: null, queuePosition: 1, log: '', reusedId: null, attempts: 1, rpms: undefined };
    this.#composes.set(id, compose);
    return compose;
  }

  /** Those who wait hear of it. */
  change(id: number, changes: Partial<SpecCompose>): void {
    Object.assign(this.compose(id), changes);
    for (const tell of [...this.#waiting]) tell();
  }

  protected override async answer({ line, text }: SeenRequest & { readonly text: string }, request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.onRequest(line);
    const url = new URL(request.url ?? '', this.address);
    const file = /^\/composes\/odcs-(\d+)\/(.+)$/.exec(url.pathname);
    if (file !== null) return this.#file(Number(file[1]), file[2] ?? '', request, response);
    if (!this.isAllowed(request)) return odcsError(response, 401, 'Unauthorized');
    const id = Number(/^\/(?:api\/1|v1)\/composes\/(\d+)$/.exec(url.pathname)?.[1] ?? 0);
    if (url.pathname === '/api/1/composes/') return request.method === 'POST' ? this.#create(response) : this.#list(url, response);
    if (!this.#composes.has(id)) return odcsError(response, 404, 'No such compose found.');
    if (request.method === 'DELETE') return json(response, { status: 202, message: `Compose (id=${id}) has been ${this.compose(id).state === 'done' ? 'marked as expired' : 'canceled'}` }, 202);
    if (request.method === 'PATCH') return json(response, this.#view(this.compose(text.includes('label') ? id + 1 : id)));
    if (url.pathname.startsWith('/v1/')) return json(response, { ...this.compose(id) });
    if (url.searchParams.has('wait') && ['wait', 'generating'].includes(this.compose(id).state)) await this.#change(request);
    if (!response.destroyed) json(response, this.#view(this.compose(id)));
  }

  #change(request: IncomingMessage): Promise<void> {
    return new Promise((resolve) => {
      const tell = (): void => {
        this.#waiting.delete(tell);
        resolve();
      };
      this.#waiting.add(tell);
      request.once('close', tell);
    });
  }

  #create(response: ServerResponse): void {
    const { body } = this.seen.at(-1) as { body: { source?: { type?: string } } };
    if (body.source?.type === 'module') odcsError(response, 400, 'No source provided for module');
    else if (body.source?.type === 'pulp') odcsError(response, 422, 'this Idempotency-Key was used for another request');
    else json(response, this.#view(this.compose(Math.max(0, ...this.#composes.keys()) + 1)));
  }

  #list(url: URL, response: ServerResponse): void {
    const perPage = Number(url.searchParams.get('per_page') ?? 10);
    const all = [...this.#composes.values()].toSorted((one, other) => other.id - one.id);
    json(response, { items: all.slice(0, perPage).map((compose) => this.#view(compose)), meta: { page: 1, pages: Math.max(1, Math.ceil(all.length / perPage)), per_page: perPage, total: all.length } });
  }

  #file(id: number, name: string, request: IncomingMessage, response: ServerResponse): void {
    const { log, rpms } = this.compose(id);
    if (name === 'compose/metadata/rpms.json' && rpms !== undefined) return json(response, rpms);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const bytes = Buffer.from(log);
    if (name !== 'pungi-stderr.log' || bytes.length === 0 || from === undefined) return void response.writeHead(404).end();
    if (Number(from) >= bytes.length) return void response.writeHead(416).end();
    response.writeHead(206).end(bytes.subarray(Number(from), Number(to) + 1));
  }

  #view({ id, state, reason, reusedId }: SpecCompose): object {
    const top = `${this.address}/composes/odcs-${reusedId ?? id}`;
    return {
      id,
      owner: 'spec',
      source_type: sourceTypes.repo,
      source: 'https://repos.example.test/stable/',
      state: composeStates[state],
      state_name: state,
      state_reason: reason,
      time_submitted: '2026-03-20T10:00:00Z',
      time_to_expire: '2026-03-21T10:00:00Z',
      packages: 'bash',
      arches: 'x86_64',
      result_repofile: `${top}/compose/Temporary/odcs-${reusedId ?? id}.repo`,
      toplevel_url: top,
      label: null,
    };
  }
}

function json(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function odcsError(response: ServerResponse, status: number, message: string): void {
  json(response, { status, error: 'Error', message }, status);
}
