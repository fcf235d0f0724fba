import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { numbersByStream, openMessageScene, registered, topic, until, type MessageScene, type SpecMessage } from '../__fixtures__/message-scene.js';
import { readMessageBacklog } from '../message-backlog.js';
import type { DeliverableMessage } from '../message-sink.js';
import type { WebhookSettings } from '../message-settings-schema.js';
import { createWebhookSink } from './webhook-sink.js';

interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const secrets = { OLD_SECRET: `whsec_${Buffer.from('the old secret of the receiver').toString('base64')}`, NEW_SECRET: `whsec_${Buffer.from('the new secret of the receiver').toString('base64')}` };

let server: Server;
let address: string;
let seen: Seen[];
let answer: (request: Seen) => { readonly status: number; readonly headers?: Record<string, string> };

beforeEach(async () => {
  seen = [];
  answer = () => ({ status: 204 });
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
      seen.push(one);
      const { status, headers } = answer(one);
      response.writeHead(status, headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const settingsOf = (changes: Partial<WebhookSettings> = {}): WebhookSettings => ({
  name: 'hook',
  type: 'webhook',
  from: 'now',
  url: address,
  secrets: [{ env: 'OLD_SECRET' }],
  'allow-destinations': ['127.0.0.0/8'],
  ...changes,
});
const sinkOf = (changes: Partial<WebhookSettings> = {}, forbiddenPorts: readonly number[] = []) => createWebhookSink(settingsOf(changes), { environment: secrets, forbiddenPorts });
const never = new AbortController().signal;
const message: DeliverableMessage = {
  messageId: '7f0c2f3e-8a3d-4a53-9a37-51d3f6e3b1aa',
  streamId: 'compose:1',
  topic,
  body: '{"event": "state-changed", "compose": {"id": 1, "owner": "Zoë"}}',
  createdAt: 1_700_000_000,
};

describe('a webhook sink', () => {
  it('posts the stored body, signed so that the library of Standard Webhooks verifies it', async () => {
    const sink = sinkOf();
    await expect(sink.publish([message], never)).resolves.toEqual({ accepted: 1 });
    await sink.close();
    expect(seen).toMatchObject([{ url: '/hooks', body: message.body, headers: { 'content-type': 'application/json', 'webhook-id': message.messageId } }]);
    const { body, headers } = seen[0] as Seen;
    expect(new Webhook(secrets.OLD_SECRET).verify(body, headers as Record<string, string>)).toEqual(JSON.parse(message.body));
    expect(() => new Webhook(secrets.OLD_SECRET).verify(`${body} `, headers as Record<string, string>)).toThrow('No matching signature');
    expect(() => new Webhook(secrets.NEW_SECRET).verify(body, headers as Record<string, string>)).toThrow('No matching signature');
  });

  it('signs with each secret while one takes the place of another', async () => {
    const sink = sinkOf({ secrets: [{ env: 'NEW_SECRET' }, { env: 'OLD_SECRET' }] });
    await sink.publish([message], never);
    await sink.close();
    for (const secret of Object.values(secrets)) expect(new Webhook(secret).verify(seen[0]?.body ?? '', seen[0]?.headers as Record<string, string>)).toBeDefined();
  });

  it('posts nothing to addresses that are not allowed, nor to a port of the service itself', async () => {
    const guarded = sinkOf({ 'allow-destinations': [] });
    await expect(guarded.publish([message], never)).resolves.toMatchObject({ accepted: 0, failure: { reason: expect.stringContaining('127.0.0.1 is') } });
    await guarded.close();
    const own = sinkOf({}, [Number(new URL(address).port)]);
    await expect(own.publish([message], never)).resolves.toMatchObject({ accepted: 0, failure: { reason: expect.stringContaining('belongs to Millrace itself') } });
    await own.close();
    expect(seen).toEqual([]);
  });

  it.each([301, 307, 308])('does not follow a redirect (%i)', async (status) => {
    answer = () => ({ status, headers: { location: '/elsewhere' } });
    const sink = sinkOf();
    await expect(sink.publish([message], never)).resolves.toMatchObject({ accepted: 0, failure: { reason: expect.stringContaining('redirects are not followed') } });
    await sink.close();
    expect(seen.map(({ url }) => url)).toEqual(['/hooks']);
  });

  it.each([
    [400, true],
    [404, true],
    [410, true],
    [408, false],
    [409, false],
    [425, false],
    [429, false],
    [500, false],
    [503, false],
  ])('takes %i for a refusal for good: %s', async (status, refused) => {
    answer = () => ({ status });
    const sink = sinkOf();
    const { failure } = await sink.publish([message], never);
    await sink.close();
    expect(failure).toEqual({ reason: `the receiver answered ${status}`, refused });
  });
});

describe('messages to a webhook', () => {
  let scene: MessageScene;
  beforeAll(async () => {
    scene = await openMessageScene();
  });
  afterAll(async () => {
    await scene?.close();
  });
  const bodies = (): SpecMessage[] => seen.map(({ body }) => JSON.parse(body) as SpecMessage);

  it('arrive in order, each once, with one id each, and those that are refused for good are passed over after five tries', async () => {
    answer = ({ body }) => ({ status: body.includes('"id":2') ? 422 : 200 });
    const stop = scene.deliver([sinkOf()], { firstPause: 0.05 });
    await registered(scene.database, 1);
    for (let number = 1; number <= 3; number += 1) await scene.leave('compose:1', number);
    await until(() => bodies().some(({ compose }) => compose.id === 3));
    await until(async () => (await readMessageBacklog(scene.database))[0]?.pending === 0);
    await stop();
    expect(bodies().map(({ compose }) => compose.id)).toEqual([1, 2, 2, 2, 2, 2, 3]);
    expect(new Set(seen.map(({ headers }) => headers['webhook-id'])).size).toBe(3);
    expect(await readMessageBacklog(scene.database)).toMatchObject([{ sink: 'hook', delivered: 2, skipped: 1, pending: 0, lastError: null }]);
  });

  it('wait for a receiver that is down', async () => {
    let broken = true;
    answer = () => ({ status: broken ? 503 : 200 });
    const stop = scene.deliver([sinkOf({ name: 'down' })], { firstPause: 0.05 });
    await registered(scene.database, 2);
    await scene.leave('compose:9', 1);
    await until(() => seen.length >= 2);
    expect((await readMessageBacklog(scene.database)).find(({ sink }) => sink === 'down')).toMatchObject({ pending: 1, delivered: 0, lastError: 'the receiver answered 503' });
    broken = false;
    await until(async () => (await readMessageBacklog(scene.database)).find(({ sink }) => sink === 'down')?.delivered === 1);
    await stop();
    expect(numbersByStream(bodies())).toEqual({ 'compose:9': [1] });
  });
});
