import type { ServerResponse } from 'node:http';
import { sendJson, startFakePulp, type FakePulp, type FakePulpOptions } from './fake-pulp-server.js';

export interface FakePulp3Options extends FakePulpOptions {
  /** With domains enabled. */
  readonly domain?: string;
}

export interface FakeDistribution {
  readonly basePath: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Serves the repository of that name; undefined: nothing. */
  readonly repository?: string;
}

export interface FakePulp3 extends FakePulp {
  addRepository(name: string, options?: { readonly labels?: Readonly<Record<string, string>>; readonly published?: boolean }): void;
  addDistribution(name: string, distribution: FakeDistribution): void;
}

type Row = Readonly<Record<string, unknown>> & { readonly pulp_href: string; readonly name?: string; readonly pulp_labels?: Readonly<Record<string, string>> };

/** A fake of Pulp 3: lists of distributions, repositories and publications, filtered and paged, in the shapes that pulp_rpm 3.39 was recorded with. */
export async function startFakePulp3(options: FakePulp3Options): Promise<FakePulp3> {
  const api = `/pulp/${options.domain === undefined ? '' : `${options.domain}/`}api/v3`;
  const lists: Record<string, Row[]> = { distributions: [], repositories: [], publications: [] };
  const pulp = await startFakePulp({
    ...options,
    content: '/pulp/content/',
    unauthorised: { detail: 'Authentication credentials were not provided.' },
    answer: (request, response, url) => {
      const name = new RegExp(`^${api}/([a-z]+)/rpm/rpm/$`).exec(url.pathname)?.[1] ?? '';
      const rows = Object.hasOwn(lists, name) ? lists[name] : undefined;
      if (request.method !== 'GET' || rows === undefined) return void response.writeHead(404, { 'content-type': 'text/html' }).end('<!doctype html><title>Not Found</title>');
      answerList(response, url, rows);
    },
  });
  const made = '2026-11-21T16:47:25.107601Z';
  const hrefOf = (list: string): string => `${api}/${list}/rpm/rpm/01a1ff01-69aa-7967-91b0-${String(lists[list]?.length).padStart(12, '0')}/`;
  const findRepository = (name: string): Row | undefined => lists['repositories']?.find((row) => row.name === name);

  return Object.assign(pulp, {
    addRepository(name: string, { labels = {}, published = true }: { readonly labels?: Readonly<Record<string, string>>; readonly published?: boolean } = {}) {
      const href = hrefOf('repositories');
      lists['repositories']?.push({ pulp_href: href, pulp_created: made, pulp_last_updated: made, versions_href: `${href}versions/`, pulp_labels: labels, latest_version_href: `${href}versions/1/`, name, description: null, remote: null, autopublish: published });
      if (published) lists['publications']?.push({ pulp_href: hrefOf('publications'), pulp_created: made, pulp_last_updated: made, repository_version: `${href}versions/1/`, repository: href });
    },
    addDistribution(name: string, { basePath, labels = {}, repository }: FakeDistribution) {
      const base = `${pulp.url}/pulp/content/${basePath}/`;
      const served = repository === undefined ? null : (findRepository(repository)?.pulp_href ?? null);
      lists['distributions']?.push({ pulp_href: hrefOf('distributions'), pulp_created: made, pulp_last_updated: made, base_path: basePath, base_url: base, content_guard: null, hidden: false, pulp_labels: labels, name, repository: served, repository_version: null, publication: null, generate_repo_config: false });
    },
  });
}

function answerList(response: ServerResponse, url: URL, all: readonly Row[]): void {
  const { limit = '100', offset = '0', ordering, ...filters } = Object.fromEntries(url.searchParams);
  let rows = [...all];
  for (const [name, value] of Object.entries(filters)) {
    const filter = Object.hasOwn(filtersOfPulp, name) ? filtersOfPulp[name] : undefined;
    if (filter === undefined) return sendJson(response, 400, { errors: [`Invalid Filter: '${name}'`] });
    rows = rows.filter((row) => filter(row, value));
  }
  if (ordering === 'name') rows.sort((one, other) => (String(one.name) < String(other.name) ? -1 : 1));
  const [from, size] = [Number(offset), Number(limit)];
  // Of the address that the server has for itself, as behind a proxy.
  const next = from + size < rows.length ? `http://inner.example${url.pathname}?limit=${size}&offset=${from + size}` : null;
  sendJson(response, 200, { count: rows.length, next, previous: null, results: rows.slice(from, from + size) });
}

const isIn = (list: string, value: unknown): boolean => list.split(',').includes(String(value));

const filtersOfPulp: Readonly<Record<string, (row: Row, value: string) => boolean>> = {
  name: (row, value) => row.name === value,
  name__in: (row, value) => isIn(value, row.name),
  pulp_href__in: (row, value) => isIn(value, row.pulp_href),
  repository: (row, value) => row['repository'] === value,
  repository__in: (row, value) => isIn(value, row['repository']),
  repository_version: (row, value) => row['repository_version'] === value,
  // Terms that must all hold, each `key=value`.
  pulp_label_select: (row, value) => value.split(',').every((term) => row.pulp_labels?.[term.replace(/=.*/s, '')] === term.replace(/^[^=]*=/, '')),
};
