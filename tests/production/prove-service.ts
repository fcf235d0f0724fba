import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connectTemporal } from '../../temporal/client.js';
import { ensureSearchAttributes, searchAttributeTypes } from '../../temporal/search-attributes.js';
import { millrace, type ProofContext } from './proof-context.js';
import { composeChanges, proveComposes } from './prove-composes.js';
import { proveRepositories } from './prove-repositories.js';
import { hexPort, isLoopback, run, until } from './started-process.js';
import type { StartedProcess } from './started-process.js';

type Client = ReturnType<typeof connectTemporal>;

interface Session {
  readonly id: string;
  readonly token: string;
  readonly proxyUrl: string;
}

/** Gateway, worker and both proxies of the file: readiness, memory, what they listen on, sessions, kills, a rolling restart. */
export async function proveService(context: ProofContext): Promise<void> {
  const { deployment, ports, report, running, engine } = context;
  const start = (name: string, changes?: Readonly<Record<string, string>>, alias?: string): StartedProcess => {
    const started = deployment.start(name, changes, alias);
    running.push(started);
    return started;
  };
  const forComposes = composeChanges(context);
  const gateway = start('gateway', forComposes);
  const worker = start('worker', forComposes);
  const cache = start('cache');
  const proxies = [start('proxy-1'), start('proxy-2')] as const;
  await report.step('gateway, proxies and cache are healthy', async () => {
    const [control, proxy, cached] = await Promise.all([deployment.healthy('gateway'), deployment.healthy('proxy-address'), deployment.healthy('cache')]);
    return `gateway after ${control} ms, proxies after ${proxy} ms, cache after ${cached} ms`;
  });
  const temporal = connectTemporal({ temporalAddress: `127.0.0.1:${ports.temporal}`, temporalNamespace: 'default' });
  try {
    await report.step('the worker registers the search attributes on PostgreSQL', () => proveSearchAttributes(temporal));
    await report.step('a namespace with an Int attribute of others has no room for them', () => proveFullNamespace(context, temporal));
    await report.step('nothing listens beyond loopback', async () => proveLoopback([gateway, worker, cache, ...proxies, engine]));
    await report.step('the proxies share one port', async () => {
      const listening = proxies.map((proxy) => proxy.listeners().filter((listener) => listener.endsWith(`:${hexPort(ports.proxy)}`)).length);
      if (listening.some((count) => count === 0)) throw new Error(`sockets: ${listening.join(', ')}`);
    });
    await report.step('memory at rest', async () => memory([gateway, worker, cache, ...proxies, engine]));
    await report.step('a real strict build through it', () => proveBuild(context, 'first'));
    await report.step('a session by hand, seen in Temporal', () => proveSession(context, temporal));
    await report.step('kill -9 of one proxy in the middle of a build', () => proveProxyKill(context, proxies[0]));
    running.splice(running.indexOf(proxies[0]), 1);
    await report.step('the killed proxy comes back', async () => {
      const back = start('proxy-1');
      await until('the new proxy listens', () => back.listeners().length > 0);
    });
    const gone = (each: StartedProcess): unknown => running.splice(running.indexOf(each), 1);
    const second = await proveRepositories(context, worker, () => start('worker', forComposes));
    gone(worker);
    await proveComposes(context, second, () => start('worker', forComposes));
    gone(second);
    await report.step('a rolling restart of the gateway', () => proveRollingRestart(context, gateway, start));
    await report.step('MILLRACE_HOST decides what the gateway listens on', async () => {
      const elsewhere = start('gateway', { MILLRACE_HOST: '127.0.0.2' }, 'gateway-elsewhere');
      const [listener] = await until('it listens', () => (elsewhere.listeners().length > 0 ? elsewhere.listeners() : undefined));
      if (elsewhere.listeners().length !== 1 || listener?.startsWith('0200007F:') !== true) throw new Error(elsewhere.listeners().join(' '));
    });
    await report.step('memory after work', async () => memory([...running]));
  } finally {
    await temporal.connection.close();
  }
}

async function proveSearchAttributes(temporal: Client): Promise<string> {
  const wanted = Object.keys(searchAttributeTypes);
  await until('the search attributes', async () => {
    const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({ namespace: 'default' });
    return wanted.every((name) => name in customAttributes);
  });
  return wanted.join(', ');
}

/** The negative control of the step before, and of what the documentation says of the image `auto-setup`. */
async function proveFullNamespace({ deployment, directory }: ProofContext, temporal: Client): Promise<string> {
  const namespace = 'taken';
  const operator = async (...args: readonly string[]): Promise<boolean> =>
    (await run(['temporal', 'operator', ...args, '--namespace', namespace], { environment: deployment.environment('temporal-namespace'), cwd: directory }))
      .code === 0;
  if (!(await operator('namespace', 'create'))) throw new Error('the namespace could not be made');
  await until('an attribute in the new namespace', () => operator('search-attribute', 'create', '--name', 'CustomIntField', '--type', 'Int'));
  const answer = await ensureSearchAttributes(temporal.connection as Parameters<typeof ensureSearchAttributes>[0], namespace).then(
    (added) => `added ${added.join(', ')}`,
    String,
  );
  if (!/more than 3 search attributes? of type Int/.test(answer)) throw new Error(answer);
  return answer;
}

function proveLoopback(processes: readonly StartedProcess[]): string {
  const all = processes.flatMap((each) => each.listeners().map((listener) => ({ name: each.name, listener })));
  const open = all.filter(({ listener }) => !isLoopback(listener));
  if (all.length < 6 || open.length > 0) throw new Error(JSON.stringify({ all, open }));
  return `${all.length} listening sockets`;
}

function memory(processes: readonly StartedProcess[]): string {
  return processes.map((each) => `${each.name} ${each.memory()} MiB`).join(', ');
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string }>>;
}

/** `npm install` with an empty cache in a strict session; every package that npm locked must be in the report. */
async function proveBuild(context: ProofContext, name: string): Promise<string> {
  const project = path.join(context.directory, `build-${name}`);
  mkdirSync(project);
  writeFileSync(
    path.join(project, 'package.json'),
    JSON.stringify({ name: 'proof', version: '1.0.0', private: true, dependencies: { express: '^5.1.0', 'is-odd': '^3.0.1' } }),
  );
  const reportFile = path.join(project, 'report.json');
  const npm = 'npm install --no-audit --no-fund --ignore-scripts --fetch-retry-mintimeout=200 --fetch-retries=5 --cache=cache';
  await millrace(context, ['run', '--policy', 'strict', '--report', reportFile, '--', 'sh', '-c', `cd ${project} && ${npm}`]);
  const lock = JSON.parse(readFileSync(path.join(project, 'package-lock.json'), 'utf8')) as Lock;
  const report = JSON.parse(readFileSync(reportFile, 'utf8')) as { artifacts: { metadata: { name: string; version: string; sha256: string } }[] };
  const reported = new Set(report.artifacts.map(({ metadata }) => `${metadata.name}@${metadata.version}`));
  const installed = Object.entries(lock.packages)
    .filter(([folder]) => folder !== '')
    .map(([folder, { version }]) => `${folder.slice(folder.lastIndexOf('node_modules/') + 13)}@${version}`);
  const missing = installed.filter((each) => !reported.has(each));
  if (installed.length < 20 || missing.length > 0) throw new Error(`of ${installed.length} packages the report lacks ${missing.join(', ')}`);
  return `${installed.length} packages, all in the report (${report.artifacts.length} artefacts)`;
}

async function api(
  context: ProofContext,
  request: { readonly method?: string; readonly path: string; readonly body?: string; readonly control?: number },
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`http://127.0.0.1:${request.control ?? context.ports.control}${request.path}`, {
    method: request.method ?? 'GET',
    headers: { authorization: `Basic ${Buffer.from(context.deployment.controlAuth).toString('base64')}`, 'content-type': 'application/json' },
    ...(request.body === undefined ? {} : { body: request.body }),
  });
  return { status: answer.status, text: await answer.text() };
}

async function openSession(context: ProofContext, control?: number): Promise<Session> {
  const { status, text } = await api(context, {
    method: 'POST',
    path: '/v1/sessions',
    body: '{"policy":"strict"}',
    ...(control === undefined ? {} : { control }),
  });
  if (status !== 201) throw new Error(`opening a session: ${status} ${text}`);
  return JSON.parse(text) as Session;
}

/** Status that the proxy gives to one request of the session. */
async function throughProxy(context: ProofContext, session: Session): Promise<string> {
  const { stdout } = await run(
    ['curl', '--silent', '--output', '/dev/null', '--write-out', '%{http_code}', '--proxy', session.proxyUrl, 'http://millrace.invalid/'],
    { environment: { PATH: '/usr/bin:/bin' }, cwd: context.directory },
  );
  return stdout;
}

async function proveSession(context: ProofContext, temporal: Client): Promise<string> {
  const session = await openSession(context);
  await until('the session is open in Temporal', () => workflowCount(temporal, session, 'open'));
  const before = await throughProxy(context, session);
  if (before === '407') throw new Error('the token is not accepted');
  const revoked = await api(context, { method: 'POST', path: `/v1/sessions/${session.id}/revoke` });
  const after = await throughProxy(context, session);
  if (revoked.status >= 300 || after !== '407') throw new Error(`revoke ${revoked.status} ${revoked.text}, then ${after}`);
  await until('the session is revoked in Temporal', () => workflowCount(temporal, session, 'revoked'));
  const report = await api(context, { path: `/v1/sessions/${session.id}/report` });
  if (report.status !== 200 || !report.text.includes('millrace.invalid')) throw new Error(`report ${report.status} ${report.text}`);
  const ended = await api(context, { method: 'DELETE', path: `/v1/sessions/${session.id}` });
  if (ended.status >= 300) throw new Error(`end ${ended.status} ${ended.text}`);
  await until('the session is ended in Temporal', () => workflowCount(temporal, session, 'ended'));
  const { status } = await temporal.workflow.getHandle(`session:${session.id}`).describe();
  return `proxy ${before} before and ${after} after the revocation; workflow ${status.name}`;
}

async function workflowCount(temporal: Client, session: Session, state: string): Promise<boolean> {
  const { count } = await temporal.workflow.count(
    `WorkflowId = 'session:${session.id}' AND MillraceState = '${state}' AND MillracePolicy = 'strict' AND MillraceDownloads >= 0`,
  );
  return count === 1;
}

async function proveProxyKill(context: ProofContext, victim: StartedProcess): Promise<string> {
  const build = proveBuild(context, 'second');
  const kill = until('downloads of the build', async () => {
    const { text } = await api(context, { path: '/v1/sessions?state=open' });
    const [session] = (JSON.parse(text) as { items: { totals: { downloads: number } }[] }).items;
    const connections = victim.connections(context.ports.proxy);
    return session !== undefined && session.totals.downloads >= 5 && connections > 0 ? { downloads: session.totals.downloads, connections } : undefined;
  }).then(async (state) => {
    victim.kill('SIGKILL');
    await victim.ended;
    return state;
  });
  const [found, { downloads, connections }] = await Promise.all([build, kill]);
  return `killed after ${downloads} downloads, with ${connections} connections of the build on it; ${found}`;
}

/** A second gateway takes over while the first is replaced; nothing of a session is lost, and no request of a client is refused. */
async function proveRollingRestart(
  context: ProofContext,
  old: StartedProcess,
  start: (name: string, changes?: Readonly<Record<string, string>>, alias?: string) => StartedProcess,
): Promise<string> {
  const { deployment, ports, running } = context;
  const second = ports.control + 1;
  const session = await openSession(context);
  start('gateway', { MILLRACE_CONTROL_PORT: String(second) }, 'gateway-2');
  await deployment.healthy('gateway', [[`:${ports.control}`, `:${second}`]]);
  const { end, milliseconds } = await old.stop();
  running.splice(running.indexOf(old), 1);
  if (end !== 0) throw new Error(`the old gateway ended with ${end}`);
  const during = await api(context, { path: `/v1/sessions/${session.id}`, control: second });
  const another = await openSession(context, second);
  start('gateway', {}, 'gateway-new');
  const back = await deployment.healthy('gateway');
  const revoked = await api(context, { method: 'POST', path: `/v1/sessions/${session.id}/revoke` });
  const proxied = await throughProxy(context, another);
  await millrace(context, ['session', 'end', another.id]);
  const ended = await api(context, { method: 'DELETE', path: `/v1/sessions/${session.id}` });
  if (during.status !== 200 || revoked.status >= 300 || ended.status >= 300 || proxied === '407')
    throw new Error(`${during.status} ${revoked.status} ${ended.status} ${proxied}`);
  return `the old one went in ${milliseconds} ms, the new one was ready after ${back} ms`;
}
