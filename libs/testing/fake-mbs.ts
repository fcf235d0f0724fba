import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A fake of a Module Build Service (API version 1): filters, orders and pages as the real one does. No database, no builds are made. */
export interface FakeMbs extends AsyncDisposable {
  /** What MILLRACE_MBS_URL is set to. */
  readonly url: string;
  /** Paths with queries, as they were asked for. */
  readonly asked: string[];
  /** Takes requests away from the service while it is set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** Answers its id. Without a modulemd, one is made up. */
  addBuild(build: FakeModuleBuild): number;
}

export interface FakeModuleBuild {
  readonly name: string;
  readonly stream: string;
  readonly version: string;
  readonly context?: string;
  /** 5, ready, unless told. */
  readonly state?: number;
  readonly scratch?: boolean;
  readonly tag?: string;
  /** Streams by module; `platform` is always among them. */
  readonly requires?: Readonly<Record<string, readonly string[]>>;
  /** The platform that it was built for: its stream and the stream's number. */
  readonly platform?: readonly [stream: string, streamVersion: number];
  readonly modulemd?: string;
  /** Documents by architecture, which `final-modulemd` answers. */
  readonly final?: Readonly<Record<string, string>>;
}

const prefix = '/module-build-service/1';
const stateNames = ['init', 'wait', 'build', 'done', 'failed', 'ready', 'garbage'];
const equalFilters = ['name', 'stream', 'version', 'context', 'koji_tag'] as const;

type Stored = Required<Omit<FakeModuleBuild, 'modulemd' | 'tag'>> & { readonly id: number; readonly modulemd: string; readonly tag: string | null };

export async function startFakeMbs(): Promise<FakeMbs> {
  const builds: Stored[] = [];
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (mbs.instead !== undefined) return mbs.instead(request, response);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://loopback');
    const [status, body] = answer(pathname, searchParams, `http://${request.headers.host}`);
    response.writeHead(status, { 'content-type': 'application/json', 'access-control-allow-origin': '*' }).end(JSON.stringify(body));
  });

  function answer(pathname: string, query: URLSearchParams, origin: string): readonly [number, object] {
    const document = new RegExp(`^${prefix}/final-modulemd/(\\d+)$`).exec(pathname);
    if (document !== null) return finalDocument(Number(document[1]));
    if (pathname !== `${prefix}/module-builds/`) return [404, { status: 404, error: 'Not Found', message: 'No such route' }];
    const unknown = query.getAll('order_desc_by').find((key) => !['id', 'name', 'version', 'state'].includes(key));
    if (unknown !== undefined) return [400, { status: 400, error: 'Bad Request', message: `An invalid ordering key of "${unknown}" was supplied` }];
    const found = builds.filter((build) => isWanted(build, query)).sort((one, other) => compare(one, other, query.getAll('order_desc_by')));
    return [200, pageOf(found, query, `${origin}${pathname}`)];
  }

  function finalDocument(id: number): readonly [number, object] {
    const build = builds.find((each) => each.id === id);
    return build === undefined ? [400, { status: 400, error: 'Bad Request', message: 'The module could not be found' }] : [200, build.final];
  }

  const mbs: FakeMbs = {
    url: '',
    asked,
    instead: undefined,
    addBuild(build) {
      const id = builds.length + 1;
      const { context = '00000000', state = 5, scratch = false, requires = {}, platform = ['el8', 80000], final = {}, tag = null } = build;
      const whole = { ...build, context, requires };
      builds.push({ ...whole, id, state, scratch, platform, final, tag, modulemd: build.modulemd ?? fakeModulemd(whole) });
      return id;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.defineProperties(mbs, { url: { value: `http://127.0.0.1:${(server.address() as AddressInfo).port}/module-build-service` } });
}

/** A modulemd as a build of it has: every dependency on one stream. `arch` and `artifacts` only where it is final. */
export function fakeModulemd({ name, stream, version, context = '00000000', requires = {} }: FakeModuleBuild, final?: { readonly arch: string; readonly artifacts: readonly string[]; readonly profiles?: Readonly<Record<string, readonly string[]>> }): string {
  const needs = Object.entries({ platform: ['el8'], ...requires });
  const lines = ['---', 'document: modulemd', 'version: 2', 'data:', `  name: ${name}`, `  stream: "${stream}"`, `  version: ${version}`, `  context: "${context}"`, ...(final === undefined ? [] : [`  arch: ${final.arch}`])];
  lines.push(`  summary: Sample ${name}`, '  description: >-', '    A sample module.', '  license:', '    module:', '    - MIT', '  dependencies:', '  - buildrequires:', '      platform: [el8]', '    requires:');
  lines.push(...needs.map(([module, streams]) => `      ${module}: [${streams.map((each) => `"${each}"`).join(', ')}]`));
  const profiles = Object.entries(final?.profiles ?? {});
  if (profiles.length > 0) lines.push('  profiles:', ...profiles.flatMap(([profile, rpms]) => [`    ${profile}:`, `      rpms: [${rpms.join(', ')}]`]));
  if (final !== undefined && final.artifacts.length > 0) lines.push('  artifacts:', '    rpms:', ...final.artifacts.map((artifact) => `    - ${artifact}`));
  return `${lines.join('\n')}\n...\n`;
}

function isWanted(build: Stored, query: URLSearchParams): boolean {
  const own = { name: build.name, stream: build.stream, version: build.version, context: build.context, koji_tag: build.tag };
  const states = query.getAll('state').map((state) => (/^\d+$/.test(state) ? Number(state) : stateNames.indexOf(state)));
  const [baseStream, baseVersion] = build.platform;
  const number = (name: string): number | undefined => (query.has(name) ? Number(query.get(name)) : undefined);
  return (
    equalFilters.every((key) => !query.has(key) || query.get(key) === own[key]) &&
    (states.length === 0 || states.includes(build.state)) &&
    (query.get('base_module_br_name') ?? 'platform') === 'platform' &&
    (query.get('base_module_br_stream') ?? baseStream) === baseStream &&
    baseVersion <= (number('base_module_br_stream_version_lte') ?? Infinity) &&
    baseVersion >= (number('base_module_br_stream_version_gte') ?? -Infinity)
  );
}

/** As a database without an order for what is equal: by no order at all, which is that of their names here. */
function compare(one: Stored, other: Stored, keys: readonly string[]): number {
  for (const key of keys.length === 0 ? ['id'] : keys) {
    const [left, right] = key === 'version' ? [BigInt(one.version), BigInt(other.version)] : [one[key as 'id'], other[key as 'id']];
    if (left !== right) return left < right ? 1 : -1;
  }
  return 0;
}

function pageOf(found: readonly Stored[], query: URLSearchParams, url: string): object {
  const [page, perPage] = [Number(query.get('page') ?? 1), Number(query.get('per_page') ?? 10)];
  const pages = Math.ceil(found.length / perPage);
  const rest = new URLSearchParams([...query].filter(([key]) => key !== 'page' && key !== 'per_page'));
  const link = (number: number): string => `${url}?page=${number}&per_page=${perPage}&${rest.toString()}`;
  const items = found.slice((page - 1) * perPage, page * perPage);
  const meta = { page, pages, per_page: perPage, total: found.length, first: link(1), last: link(pages), prev: page > 1 ? link(page - 1) : null, next: page < pages ? link(page + 1) : null };
  return { items: items.map((build) => (query.get('verbose') === 'true' ? verboseRow(build) : shortRow(build))), meta };
}

function shortRow({ id, name, stream, version, context, state, scratch }: Stored): object {
  return { id, name, stream, version, context, state, state_name: stateNames[state], scratch };
}

function verboseRow(build: Stored): object {
  const [stream, streamVersion] = build.platform;
  const time = '2026-01-09T00:00:00Z';
  return {
    ...shortRow(build),
    koji_tag: build.tag,
    modulemd: build.modulemd,
    arches: Object.keys(build.final),
    base_module_buildrequires: [{ id: 0, name: 'platform', stream, version: '1', context: '00000000', state: 5, state_name: 'ready', stream_version: streamVersion }],
    ...{ batch: 2, buildrequires: {}, build_context: 'a'.repeat(40), build_context_no_bms: 'a'.repeat(40), component_builds: [], new_repo_task_id: null, owner: 'builder-user', rebuild_strategy: 'only-changed', reused_module_id: null, runtime_context: 'b'.repeat(40) },
    ...{ scmurl: 'https://git.example/modules/sample?#0123456789abcdef0123456789abcdef01234567', siblings: [], srpms: [], state_reason: null, state_trace: [], state_url: null, stream_version: null, tasks: { rpms: {} }, time_completed: time, time_modified: time, time_submitted: time, virtual_streams: [] },
  };
}
