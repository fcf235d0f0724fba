import { ChannelCredentials, loadPackageDefinition, logVerbosity, Metadata, setLogVerbosity, status } from '@grpc/grpc-js';
import type { Client, ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { protoPath as healthProto } from 'grpc-health-check';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import pino from 'pino';
import type { ServerCapabilities } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { readCacheAccess } from '../../../libs/cache-access/__fixtures__/opened-access.js';
import { makeCacheToken } from '../../../libs/cache-access/token-login.js';
import { projectRoot } from '../../../libs/embedded/project-root.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { createOpensslAuthority } from '../../../libs/testing/openssl-authority.js';
import type { TestCertificates } from '../../../libs/testing/test-certificates.js';
import { writeTestCertificates } from '../../../libs/testing/test-certificates.js';
import { until, writeStream } from '../__fixtures__/byte-streams.js';
import type { TestCache, TestCacheOptions } from '../__fixtures__/test-cache.js';
import { startTestCache } from '../__fixtures__/test-cache.js';
import { ask, blobName, connectClients, nobody, pusher, sha256 } from '../__fixtures__/test-clients.js';
import type { ServedCredentials } from './cache-credentials.js';
import { openCacheCredentials } from './cache-credentials.js';
import { startCacheServer } from './start-cache-server.js';

const started: { close(): unknown }[] = [];
let folder: string;
let certificates: TestCertificates;

beforeAll(() => {
  setLogVerbosity(logVerbosity.NONE);
  folder = mkdtempSync(path.join(tmpdir(), 'cache-server-'));
  certificates = writeTestCertificates(folder, 'builder');
});
afterEach(async () => {
  for (const each of started.splice(0).reverse()) await each.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const log = pino({ level: 'silent' });
const builder = makeCacheToken();
const findOne = { instanceName: '', blobDigests: [sha256(Buffer.from('x'))], digestFunction: 0 };

describe('the port of the cache', () => {
  it('says what it serves, and whether the caller may push', async () => {
    const clients = connected(await start());
    const asked = async (metadata: Metadata): Promise<ServerCapabilities> => ask((done) => clients.capabilities.getCapabilities({ instanceName: '' }, metadata, done));
    const { cacheCapabilities, executionCapabilities, lowApiVersion } = await asked(nobody());
    expect(cacheCapabilities).toMatchObject({ digestFunctions: [1, 9], actionCacheUpdateCapabilities: { updateEnabled: false }, supportedCompressors: [1], splitBlobSupport: false });
    expect([executionCapabilities, lowApiVersion?.major]).toEqual([undefined, 2]);
    expect((await asked(pusher())).cacheCapabilities?.actionCacheUpdateCapabilities).toEqual({ updateEnabled: true });
  });

  it('answers for its health, and shows its services to those who look', async () => {
    const { address } = await start();
    const health = clientOf(address, healthProto, ['grpc', 'health', 'v1', 'Health']);
    expect(await ask((done) => health['check']?.({ service: 'google.bytestream.ByteStream' }, done))).toMatchObject({ status: 'SERVING' });
    await expect(ask((done) => health['check']?.({ service: 'no.such.Service' }, done))).rejects.toMatchObject({ code: status.NOT_FOUND });
    const reflectionProto = path.join(projectRoot(), 'node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto');
    const reflection = clientOf(address, reflectionProto, ['grpc', 'reflection', 'v1', 'ServerReflection']) as unknown as { serverReflectionInfo(): AsyncIterable<{ listServicesResponse?: { service: { name: string }[] } }> & { write(message: object): void; end(): void } };
    const stream = reflection.serverReflectionInfo();
    stream.write({ listServices: '' });
    stream.end();
    const names: string[] = [];
    for await (const { listServicesResponse } of stream) names.push(...(listServicesResponse?.service ?? []).map(({ name }) => name));
    expect(names).toEqual(expect.arrayContaining(['build.bazel.remote.execution.v2.ActionCache', 'build.bazel.remote.execution.v2.Capabilities', 'build.bazel.remote.execution.v2.ContentAddressableStorage', 'google.bytestream.ByteStream']));
  });

  it('does not stay with a call whose deadline has passed', async () => {
    let ended: unknown;
    const server = await start({ behaviour: { findMissing: (_, __, options) => new Promise((___, reject) => options?.signal?.addEventListener('abort', () => reject((ended = options.signal?.reason) as Error))) } });
    const clients = connected(server);
    await expect(ask((done) => clients.storage.findMissingBlobs(findOne, nobody(), { deadline: Date.now() + 200 }, done))).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await until(() => Promise.resolve(ended !== undefined));
    expect(ended).toMatchObject({ name: 'AbortError' });
  });

  it('answers faults with statuses, and tells nobody what is not for them', async () => {
    let fault: Error = new Error();
    const clients = connected(await start({ behaviour: { findMissing: () => Promise.reject(fault) } }));
    const answers = new Map<Error, readonly [code: status, details: string]>([
      [new MillraceError('cache-full', 'no room'), [status.RESOURCE_EXHAUSTED, 'no room']],
      [new MillraceError('quota-exceeded', 'too fast', { cause: { retryAfter: 7 } }), [status.RESOURCE_EXHAUSTED, 'too fast']],
      [new MillraceError('database-unavailable', 'PostgreSQL is away'), [status.UNAVAILABLE, 'PostgreSQL is away']],
      [new MillraceError('storage-refused', 'no rights'), [status.INTERNAL, 'no rights']],
      [new Error('password=secret'), [status.INTERNAL, 'internal error; the log of the cache says more']],
    ]);
    for (const [thrown, [code, details]] of answers) {
      fault = thrown;
      const failure = await ask((done) => clients.storage.findMissingBlobs(findOne, nobody(), done)).catch((error: unknown) => error as { readonly metadata: Metadata });
      expect(failure).toMatchObject({ code, details });
      const [shown] = (failure as { readonly metadata: Metadata }).metadata.get('grpc-status-details-bin');
      expect(shown?.includes('google.rpc.RetryInfo') ?? false).toBe(thrown.message === 'too fast');
    }
  });

  it('that closes lets a push under way end, and sends the next one elsewhere', async () => {
    const server = await start();
    const clients = connected(server);
    const content = Buffer.alloc(200_000, 8);
    const running = writeStream(clients);
    running.call.write({ resourceName: `uploads/one/${blobName(content)}`, writeOffset: 0, finishWrite: false, data: content.subarray(0, 1000) });
    await until(async () => (await server.cache.uploads.status('main', 'one')).committed === 1000 || (await ask<{ readonly committedSize: number }>((done) => clients.bytes.queryWriteStatus({ resourceName: `uploads/one/${blobName(content)}` }, pusher(), done))).committedSize === 1000);
    const closing = server.stop(20_000);
    await expect(ask((done) => connected(server).storage.findMissingBlobs(findOne, nobody(), done))).rejects.toMatchObject({ code: status.UNAVAILABLE });
    running.call.write({ resourceName: '', writeOffset: 1000, finishWrite: true, data: content.subarray(1000) });
    running.call.end();
    expect(await running.response).toEqual({ committedSize: content.length });
    await closing;
    const other = { function: 'sha256', hash: sha256(content).hash, size: content.length } as const;
    expect(await server.cache.findMissing('main', [other])).toEqual([]);
  });

  it('that is taken is said to be', async () => {
    const { port } = await start();
    const context = { cache: undefined as never, access: undefined as never, limits: { batchBytes: 1, messageBytes: 1, streamsPerConnection: 1, connectionsPerAddress: 1, callsPerAddress: 1, callsPerConnection: 1, heldBytes: 1, streamIdle: 1, judgedEvery: 1, compressedStreams: 1 }, log };
    await expect(startCacheServer(context, { host: '127.0.0.1', port, services: [] })).rejects.toMatchObject({ code: 'port-in-use' });
  });
});

describe('a caller who loses the right to a call that runs', () => {
  const { token, sha256: digest } = makeCacheToken();
  const file = `login: { tokens: { builder: { sha256: ${digest} } } }\ninstances: { main: { pull: known, push: [{ tokens: [builder] }] }, other: {}, small: {} }`;
  const bearer = new Metadata();
  bearer.set('authorization', `Bearer ${token}`);

  it('is told so while it sends, and what it has sent is no blob, but goes on when it may again', async () => {
    const server = await start({ access: file, limits: { judgedEvery: 20 } });
    const clients = connected(server);
    const content = Buffer.from('content that comes in two');
    const write = openWrite(clients, content, bearer);
    await write.send(5);
    await server.access.replace(readCacheAccess(file.replace('tokens: [builder]', 'subjects: [x]')), undefined);
    expect(await write.outcome).toBe(status.PERMISSION_DENIED);
    await server.access.replace(readCacheAccess(file.replace(/ tokens: \{.*\} /, '').replace('tokens: [builder]', 'subjects: [x]')), undefined);
    expect(await outcomeOf((done) => clients.storage.findMissingBlobs({ ...findOne, instanceName: 'main' }, bearer, done))).toBe(status.UNAUTHENTICATED);
    await server.access.replace(readCacheAccess(file), undefined);
    const { committedSize } = await ask<{ committedSize: number }>((done) => clients.bytes.queryWriteStatus({ resourceName: write.name }, bearer, done));
    expect(committedSize).toBe(5);
  });

  it('is told so while it reads, and while it waits', async () => {
    let begun = 0;
    const never = (signal: AbortSignal | undefined): Promise<never> => {
      begun += 1;
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    const server = await start({ access: file, limits: { judgedEvery: 20 }, behaviour: { findMissing: (_, __, options) => never(options?.signal), readBlob: (_, __, options) => never(options?.signal) } });
    const clients = connected(server);
    const asking = outcomeOf((done) => clients.storage.findMissingBlobs(findOne, bearer, done));
    const reading = new Promise((resolve) => void clients.bytes.read({ resourceName: blobName(Buffer.from('x')), readOffset: 0, readLimit: 0 }, bearer).on('data', () => undefined).on('error', ({ code }: { readonly code?: status }) => resolve(code)));
    await until(() => Promise.resolve(begun === 2));
    await server.access.replace(readCacheAccess(file.replace('tokens: [builder]', 'subjects: [x]').replace('pull: known', 'pull: [{ subjects: [x] }]')), undefined);
    expect([await asking, await reading]).toEqual([status.PERMISSION_DENIED, status.PERMISSION_DENIED]);
  });
});

it('pushes that are larger together than a minute allows come through more slowly, each of them', async () => {
  const server = await start({ access: 'instances: { main: { rates: { pushed-bytes-per-minute: 600000 }, push: [{ tokens: [builder] }] } }\nlogin: { tokens: { builder: { sha256: '.concat(builder.sha256, ' } } }') });
  const clients = connected(server);
  const bearer = new Metadata();
  bearer.set('authorization', `Bearer ${builder.token}`);
  for (const [count, size] of [[0, 604_000], [1, 3000], [2, 3000]] as const) {
    const write = openWrite(clients, Buffer.alloc(size, count), bearer);
    await write.send(Math.floor(size / 2));
    write.finish();
    expect(await write.outcome).toBe(status.OK);
  }
});

it('an address that shows wrong credentials again and again is told to come later, and others are not', async () => {
  const clients = connected(await start());
  const codes: status[] = [];
  for (let count = 0; count < 62; count += 1) {
    const wrong = new Metadata();
    wrong.set('authorization', `Basic ${Buffer.from(`${'c'.repeat(32)}:wrong-${count}`).toString('base64')}`);
    codes.push(await outcomeOf((done) => clients.storage.findMissingBlobs(findOne, wrong, done)));
  }
  expect([codes.slice(0, 60).every((code) => code === status.UNAUTHENTICATED), codes.at(-1)]).toEqual([true, status.RESOURCE_EXHAUSTED]);
  expect(await outcomeOf((done) => clients.storage.findMissingBlobs(findOne, nobody(), done))).toBe(status.OK);
});

describe('TLS', () => {
  it('knows clients by their certificates, and lets those without do what anybody may', async () => {
    const access = 'instances: { main: { push: [{ subjects: ["CN=builder"] }] }, other: {}, small: {} }';
    const server = await start({ tls: opened(certificates.server), access });
    const authority = readFileSync(certificates.authority);
    const anonymous = connected(server, ChannelCredentials.createSsl(authority));
    const builder = connected(server, ChannelCredentials.createSsl(authority, readFileSync(certificates.client.key), readFileSync(certificates.client.certificate)));
    const push = { instanceName: '', requests: [], digestFunction: 0 };
    await expect(ask((done) => anonymous.storage.findMissingBlobs(findOne, nobody(), done))).resolves.toBeDefined();
    await expect(ask((done) => anonymous.storage.batchUpdateBlobs(push, nobody(), done))).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    await expect(ask((done) => builder.storage.batchUpdateBlobs(push, nobody(), done))).resolves.toEqual({ responses: [] });
  });

  it('believes no certificate that has expired, or that its authority has revoked', async () => {
    const authority = createOpensslAuthority(mkdtempSync(path.join(folder, 'revoking-')), 'farm');
    const [good, revoked, expired] = [authority.issue('/CN=builder'), authority.issue('/CN=builder'), authority.issue('/CN=builder', { days: 0 })];
    const clientAuthorities = path.join(folder, 'authorities.pem');
    copyFileSync(authority.certificate, clientAuthorities);
    const credentials = openCacheCredentials({ ...certificates.server, clientAuthorities }, { log, every: 20 });
    started.push(credentials);
    const server = await start({ tls: credentials, access: 'instances: { main: { push: [{ subjects: ["CN=builder"] }] }, other: {}, small: {} }' });
    const codeFor = async (files: { readonly key: string; readonly certificate: string }): Promise<status> => {
      const clients = connected(server, ChannelCredentials.createSsl(readFileSync(certificates.authority), readFileSync(files.key), readFileSync(files.certificate)));
      return ask((done) => clients.storage.batchUpdateBlobs({ instanceName: '', requests: [], digestFunction: 0 }, nobody(), done)).then(() => status.OK, ({ code }: { readonly code: status }) => code);
    };
    expect([await codeFor(good), await codeFor(revoked), await codeFor(expired)]).toEqual([status.OK, status.OK, status.PERMISSION_DENIED]);
    authority.revoke(revoked);
    writeFileSync(clientAuthorities, readFileSync(authority.certificate, 'utf8') + readFileSync(authority.revocationList(), 'utf8'));
    await until(async () => (await codeFor(revoked)) === status.PERMISSION_DENIED);
    expect(await codeFor(good)).toBe(status.OK);
  });

  it('judges connections that there are already by lists that come later: new calls by a new connection, those under way as they are', async () => {
    const authority = createOpensslAuthority(mkdtempSync(path.join(folder, 'late-')), 'farm');
    const [good, revoked] = [authority.issue('/CN=builder'), authority.issue('/CN=builder')];
    const clientAuthorities = path.join(folder, 'late.pem');
    copyFileSync(authority.certificate, clientAuthorities);
    const credentials = openCacheCredentials({ ...certificates.server, clientAuthorities }, { log, every: 20 });
    started.push(credentials);
    const server = await start({ tls: credentials, limits: { judgedEvery: 50 }, access: 'instances: { main: { push: [{ subjects: ["CN=builder"] }] }, other: {}, small: {} }' });
    const pushing = [good, revoked].map((files) => {
      const clients = connected(server, ChannelCredentials.createSsl(readFileSync(certificates.authority), readFileSync(files.key), readFileSync(files.certificate)));
      return { clients, write: openWrite(clients, Buffer.from(files.certificate)) };
    });
    for (const { write } of pushing) await write.send(1);
    authority.revoke(revoked);
    writeFileSync(clientAuthorities, readFileSync(authority.certificate, 'utf8') + readFileSync(authority.revocationList(), 'utf8'));
    expect(await pushing[1]?.write.outcome).toBe(status.UNAUTHENTICATED);
    const codes = await Promise.all(pushing.map(async ({ clients }) => ask((done) => clients.storage.batchUpdateBlobs({ instanceName: '', requests: [], digestFunction: 0 }, nobody(), done)).then(() => status.OK, ({ code }: { readonly code: status }) => code)));
    expect(codes).toEqual([status.OK, status.PERMISSION_DENIED]);
    pushing[0]?.write.finish();
    expect(await pushing[0]?.write.outcome).toBe(status.OK);
  });

  it('takes a new certificate without a restart, and keeps the old one while the new one is no good', async () => {
    const files = { certificate: path.join(folder, 'changing.pem'), key: path.join(folder, 'changing.key') };
    copyFileSync(certificates.server.certificate, files.certificate);
    copyFileSync(certificates.server.key, files.key);
    const server = await start({ tls: opened(files) });
    const first = await fingerprint(server.port);
    writeFileSync(files.certificate, 'half of a fi');
    expect(await fingerprint(server.port)).toBe(first);
    const next = mkdtempSync(path.join(folder, 'next-'));
    const renewed = writeTestCertificates(next).server;
    copyFileSync(renewed.key, files.key);
    copyFileSync(renewed.certificate, files.certificate);
    await until(async () => (await fingerprint(server.port)) !== first);
  });

  it('is not opened with files that cannot be used', () => {
    expect(() => opened({ certificate: path.join(folder, 'none.pem'), key: certificates.server.key })).toThrow(expect.objectContaining({ code: 'invalid-setting', message: expect.stringContaining('MILLRACE_CACHE_TLS_CERT') }));
    expect(() => opened({ certificate: certificates.server.certificate, key: certificates.client.key })).toThrow(expect.objectContaining({ code: 'invalid-setting' }));
  });
});

interface OpenWrite {
  readonly name: string;
  readonly outcome: Promise<status>;
  /** So many bytes, until the cache has them. */
  send(bytes: number): Promise<void>;
  finish(): void;
}

/** A stream that stays open after it began. */
function openWrite(clients: ReturnType<typeof connectClients>, content: Buffer, metadata = nobody()): OpenWrite {
  const name = `uploads/${randomUUID()}/${blobName(content)}`;
  const { promise: outcome, resolve } = Promise.withResolvers<status>();
  const stream = clients.bytes.write(metadata, (error) => resolve(error?.code ?? status.OK));
  stream.on('error', () => undefined);
  let sent = 0;
  const send = (bytes: number, finishWrite: boolean): void => void stream.write({ resourceName: name, writeOffset: sent, finishWrite, data: content.subarray(sent, (sent += bytes)) });
  const committed = async (): Promise<number> => ask<{ committedSize: number }>((done) => clients.bytes.queryWriteStatus({ resourceName: name }, metadata, done)).then(({ committedSize }) => committedSize, () => 0);
  return {
    name,
    outcome,
    async send(bytes) {
      send(bytes, false);
      await until(async () => (await committed()) === sent);
    },
    finish() {
      send(content.length - sent, true);
      stream.end();
    },
  };
}

async function outcomeOf(start: (done: (error: ServiceError | null, response: unknown) => void) => unknown): Promise<status> {
  return ask(start).then(() => status.OK, ({ code }: ServiceError) => code);
}

async function start(options: TestCacheOptions = {}): Promise<TestCache> {
  const server = await startTestCache(options);
  started.push(server);
  return server;
}

function connected({ address, port }: TestCache, credentials?: ChannelCredentials): ReturnType<typeof connectClients> {
  const clients = credentials === undefined ? connectClients(address) : connectClients(`localhost:${port}`, credentials);
  started.push(clients);
  return clients;
}

function opened(files: { readonly certificate: string; readonly key: string }): ServedCredentials {
  const credentials = openCacheCredentials({ ...files, clientAuthorities: certificates.authority }, { log, every: 20 });
  started.push(credentials);
  return credentials;
}

function clientOf(address: string, proto: string, name: readonly string[]): Record<string, (request: object, done: (error: never, response: unknown) => void) => void> {
  const definition = loadPackageDefinition(loadSync(proto, { enums: String }));
  const Service = name.reduce<unknown>((found, part) => (found as Record<string, unknown>)[part], definition) as new (address: string, credentials: ChannelCredentials) => Client;
  const client = new Service(address, ChannelCredentials.createInsecure());
  started.push(client);
  return client as unknown as ReturnType<typeof clientOf>;
}

async function fingerprint(port: number): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  await new Promise((resolve, reject) => void socket.once('secureConnect', resolve).once('error', reject));
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
