import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson, startFakePulp, type FakePulp, type FakePulpOptions } from './fake-pulp-server.js';

export interface FakePulp2 extends FakePulp {
  /** As Pulp 2 keeps it: all notes are texts. */
  addRepository(id: string, notes: Readonly<Record<string, string>>): void;
}

interface Row {
  readonly id: string;
  readonly notes: Readonly<Record<string, string>>;
}

/** A fake of Pulp 2: searches by notes and repositories by id, in the shapes of its REST API. Content is served at the root, as behind a CDN. */
export async function startFakePulp2(options: FakePulpOptions): Promise<FakePulp2> {
  const rows: Row[] = [];
  const pulp = await startFakePulp({
    ...options,
    content: '/content/',
    unauthorised: errorBody(401, 'Authentication failed'),
    answer: (request, response, url) => {
      const id = /^\/pulp\/api\/v2\/repositories\/([^/]+)\/$/.exec(url.pathname)?.[1];
      if (request.method === 'POST' && id === 'search') return void search(request, response);
      const row = rows.find((each) => each.id === decodeURIComponent(id ?? ''));
      if (request.method === 'GET' && row !== undefined) return sendJson(response, 200, shown(row));
      sendJson(response, 404, { ...errorBody(404, `Missing resource(s): repository=${id}`), resources: { repository: id } });
    },
  });

  async function search(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { criteria } = JSON.parse(Buffer.concat(await request.toArray()).toString()) as { criteria: { filters: Record<string, string | { $in: string[] }>; fields?: string[] } };
    const found = rows.filter(({ notes }) =>
      Object.entries(criteria.filters).every(([key, wanted]) => {
        const value = notes[key.replace(/^notes\./, '')];
        return typeof wanted === 'string' ? value === wanted : value !== undefined && wanted.$in.includes(value);
      }),
    );
    const fields = new Set([...(criteria.fields ?? Object.keys(shown({ id: '', notes: {} }))), 'id', '_id', '_href']);
    sendJson(response, 200, found.map((row) => Object.fromEntries(Object.entries(shown(row)).filter(([key]) => fields.has(key)))));
  }

  return Object.assign(pulp, { addRepository: (id: string, notes: Row['notes']) => void rows.push({ id, notes }) });
}

function shown({ id, notes }: Row): object {
  return { id, display_name: id, description: null, notes: { '_repo-type': 'rpm-repo', ...notes }, content_unit_counts: { rpm: 1 }, scratchpad: {}, last_unit_added: null, last_unit_removed: null, _ns: 'repos', _id: { $oid: '5a1b2c3d4e5f60718293a4b5' }, _href: `/pulp/api/v2/repositories/${id}/` };
}

function errorBody(status: number, message: string): object {
  return { http_request_method: 'GET', http_status: status, error_message: message, exception: null, traceback: null, _href: '/pulp/api/v2/', error: { code: status === 404 ? 'PLP0009' : 'PLP0025', description: message, data: {}, sub_errors: [] } };
}
