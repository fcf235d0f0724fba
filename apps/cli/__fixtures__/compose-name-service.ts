import type { IncomingMessage, ServerResponse } from 'node:http';
import { RecordingServer, type SeenRequest } from './recording-server.js';

/** `/v1/compose-names` as the gateway's contract has it, with the one name `nightly`. */
export class ComposeNameService extends RecordingServer {
  composeId = 2;

  static start(): Promise<ComposeNameService> {
    return new ComposeNameService('spec:secret').listen();
  }

  protected override answer({ line, body }: SeenRequest, request: IncomingMessage, response: ServerResponse): void {
    if (!this.isAllowed(request)) return problem(response, 401, 'unauthorized');
    const [, name, rest = ''] = /^\/v1\/compose-names(?:\/([^/?]+)([^?]*))?/.exec(request.url ?? '') ?? [];
    if (name === undefined) return json(response, { items: [this.#view()], nextCursor: line.includes('limit=1') ? 'nightly' : null });
    if (name !== 'nightly') return problem(response, 404, 'compose-name-not-found');
    if (rest === '/history') return json(response, { items: [{ composeId: this.composeId, since: '2026-03-20T10:00:00.000Z', by: 'ann', kind: 'promoted' }, { composeId: 1, since: '2026-03-19T10:00:00.000Z', by: 'rule:n\u001b[31m', kind: 'rolled-back' }] });
    if (request.method === 'DELETE') return void response.writeHead(204).end();
    const { composeId, force, to } = (body ?? {}) as { readonly composeId?: number; readonly force?: boolean; readonly to?: number };
    if (request.method === 'PUT' && composeId === 1 && force !== true) return problem(response, 409, 'compose-closed');
    if (request.method !== 'GET') this.composeId = composeId ?? to ?? 1;
    json(response, this.#view());
  }

  #view(): object {
    const files = `${this.address}/composes/latest/nightly`;
    return { name: 'nightly', composeId: this.composeId, since: '2026-03-20T10:00:00.000Z', by: 'ann', links: { files: `${files}/`, repoFile: `${files}.repo` } };
  }
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function problem(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ status, code, detail: `it is ${code}`, suggestion: 'Do this.' }));
}
