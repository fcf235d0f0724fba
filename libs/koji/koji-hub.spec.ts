import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { MillraceError } from '../errors/millrace-error.js';
import type { HttpClient } from '../repository-source/http-client.js';
import { createSourceClient } from '../repository-source/repository-source.js';
import { sourceLimits } from '../repository-source/source-limits.js';
import { startFakeKojiHub, type FakeKojiHub } from '../testing/fake-koji-hub.js';
import { findBuilds, findTag, lastEvent, taggedRpms } from './koji-calls.js';
import { createKojiHub, type KojiHub } from './koji-hub.js';

const directory = mkdtempSync(path.join(tmpdir(), 'millrace-hub-'));
const settings = { composeSourcePaths: [], composeAllowDestinations: ['127.0.0.0/8'], forbiddenPorts: [], upstreamProxy: undefined, upstreamNoProxy: [], upstreamCa: undefined };
const { signal } = new AbortController();
let fake: FakeKojiHub;
let client: HttpClient;
let hub: KojiHub;

beforeAll(async () => {
  fake = await startFakeKojiHub(directory);
  client = createSourceClient({ settings, version: '1.2.3', limits: { ...sourceLimits, progressTime: 200 } });
  hub = createKojiHub({ url: fake.url, client, limits: { bytes: 100_000 }, callTime: 1000 });
  fake.addTag('base');
});
beforeEach(() => {
  fake.instead = undefined;
});
afterAll(async () => {
  await client.close();
  await fake[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const send = (status: number, body: string) => (_: IncomingMessage, response: ServerResponse) => void response.writeHead(status).end(body);
const fault = (code: number, text: string): string => `<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>${code}</int></value></member><member><name>faultString</name><value>${text}</value></member></struct></value></fault></methodResponse>`;
const failure = (): Promise<MillraceError> => lastEvent(hub, signal).then(() => { throw new Error('no failure'); }, (error: unknown) => error as MillraceError);

describe('a Koji hub', () => {
  it('is asked, also several things at once', async () => {
    expect(await lastEvent(hub, signal)).toBe(fake.lastEvent);
    expect(await findTag(hub, 'base', fake.lastEvent, signal)).toBe(1);
    expect(await findTag(hub, 'none', fake.lastEvent, signal)).toBeUndefined();
    expect(await findBuilds(hub, Array.from({ length: 250 }, (_, index) => `none-1-${index}`), signal)).toEqual(Array.from({ length: 250 }));
  });

  it('that answers a fault is not asked again, unless it is offline', async () => {
    await expect(taggedRpms(hub, 77, { event: 1, inherit: true, arches: [], signatures: false, signal })).rejects.toMatchObject({ code: 'source-invalid', message: `the Koji hub ${fake.url} answers listTaggedRPMS with fault 1000: No such tagInfo: '77'` });
    await expect(hub.callAll([{ method: 'getLastEvent', params: [] }, { method: 'nope', params: [] }], signal)).rejects.toMatchObject({ code: 'source-invalid', message: `the Koji hub ${fake.url} answers nope with fault 1000: Invalid method: nope` });
    fake.instead = send(200, fault(1014, 'database outage'));
    expect(await failure()).toMatchObject({ code: 'source-unavailable', message: `the Koji hub ${fake.url} answers getLastEvent with fault 1014: database outage` });
  });

  it('does not get traces and control characters of its own into messages', async () => {
    fake.instead = send(200, fault(1, `psycopg2.Error: \tno\nTraceback: /usr/lib/${'x'.repeat(5000)}`));
    expect((await failure()).message).toBe(`the Koji hub ${fake.url} answers getLastEvent with fault 1: psycopg2.Error:  no`);
  });

  it.each<[string, string, string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['garbage', 'source-invalid', 'is not an answer of a Koji hub', send(200, 'Hello')],
    ['HTML', 'source-invalid', 'is not an answer of a Koji hub', send(200, '<html><body>Hello</body></html>')],
    ['another shape', 'source-invalid', 'with something else than Koji does', send(200, '<methodResponse><params><param><value>61</value></param></params></methodResponse>')],
    ['404', 'source-invalid', 'with HTTP 404', send(404, '')],
    ['a redirect', 'source-invalid', 'with HTTP 302', (_, response) => void response.writeHead(302, { location: 'http://elsewhere.example/' }).end()],
    ['503', 'source-unavailable', 'with HTTP 503', send(503, '')],
    ['nothing', 'source-unavailable', 'has sent nothing worth mentioning', () => undefined],
    ['a broken connection', 'source-unavailable', 'cannot read', (request) => void request.socket.destroy()],
    ['without an end', 'source-invalid', 'has more than 100000 bytes', (_, response) => endless(response, 0)],
    ['without an end, slowly', 'source-unavailable', 'has not answered getLastEvent within 1 s', (_, response) => endless(response, 100)],
  ])('that answers %s: %s', async (_name, code, message, instead) => {
    fake.instead = instead;
    expect(await failure()).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('is left when the work is stopped', async () => {
    const stop = new AbortController();
    fake.instead = () => stop.abort(new Error('stopped'));
    await expect(lastEvent(hub, stop.signal)).rejects.toThrow('stopped');
  });

  it('at an address that is not allowed is not asked', async () => {
    const guarded = createSourceClient({ settings: { ...settings, composeAllowDestinations: [] }, version: '1.2.3', limits: sourceLimits });
    await expect(lastEvent(createKojiHub({ url: fake.url, client: guarded }), signal)).rejects.toMatchObject({ code: 'forbidden' });
    await guarded.close();
  });
});

/** Sound XML-RPC, 5000 bytes at a time. */
function endless(response: ServerResponse, pause: number): void {
  response.writeHead(200).write('<methodResponse><params><param><value><array><data>');
  const more = setInterval(() => response.write('<value><int>1</int></value>'.repeat(185)), pause);
  response.on('close', () => clearInterval(more));
}
