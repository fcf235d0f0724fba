import { ChannelCredentials, loadPackageDefinition, logVerbosity, setLogVerbosity, status } from '@grpc/grpc-js';
import type { Client, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { protoPath as healthProto } from 'grpc-health-check';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import pino from 'pino';
import type { ServerCapabilities } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { projectRoot } from '../../../libs/embedded/project-root.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { createOpensslAuthority } from '../../../libs/testing/openssl-authority.js';
import type { TestCertificates } from '../../../libs/testing/test-certificates.js';
import { writeTestCertificates } from '../../../libs/testing/test-certificates.js';
import { until } from '../__fixtures__/byte-streams.js';
import type { TestCache, TestCacheOptions } from '../__fixtures__/test-cache.js';
import { startTestCache } from '../__fixtures__/test-cache.js';
import { ask, connectClients, nobody, pusher, sha256 } from '../__fixtures__/test-clients.js';
import type { CacheCredentials } from './cache-credentials.js';
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

  it('that is taken is said to be', async () => {
    const { port } = await start();
    const context = { cache: undefined as never, access: undefined as never, limits: { batchBytes: 1, messageBytes: 1, streamsPerConnection: 1, callsPerConnection: 1, heldBytes: 1, streamIdle: 1, compressedStreams: 1 }, log };
    await expect(startCacheServer(context, { host: '127.0.0.1', port, services: [] })).rejects.toMatchObject({ code: 'port-in-use' });
  });
});

describe('TLS', () => {
  it('knows clients by their certificates, and lets those without do what anybody may', async () => {
    const access = 'instances: { main: { push: [{ subjects: ["CN=builder"] }] }, other: {}, small: {} }';
    const server = await start({ credentials: opened(certificates.server).credentials, access });
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
    const server = await start({ credentials: credentials.credentials, access: 'instances: { main: { push: [{ subjects: ["CN=builder"] }] }, other: {}, small: {} }' });
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

  it('takes a new certificate without a restart, and keeps the old one while the new one is no good', async () => {
    const files = { certificate: path.join(folder, 'changing.pem'), key: path.join(folder, 'changing.key') };
    copyFileSync(certificates.server.certificate, files.certificate);
    copyFileSync(certificates.server.key, files.key);
    const server = await start({ credentials: opened(files).credentials });
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

function opened(files: { readonly certificate: string; readonly key: string }): CacheCredentials {
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
