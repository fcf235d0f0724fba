import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { WebhookBus } from '../../../libs/event-bus/bus-schema.js';
import { createWebhookReceiver } from '../../../libs/event-bus/webhooks/webhook-receiver.js';
import { MemoryBuses } from '../__fixtures__/memory-buses.js';
import { authorization, startTestGateway, type TestGateway } from '../__fixtures__/test-gateway.js';
import { problem } from '../openapi/error-schemas.js';
import { parkedMessage, parkedMessagePage, takenEvent } from './message-schemas.js';

const secretOf = (text: string): string => `whsec_${Buffer.from(text).toString('base64')}`;
const secrets = { OLD: secretOf('the old secret of this bus here'), NEW: secretOf('the new secret of this bus here'), PLAIN: 'plain-secret' };
const both = [{ env: 'OLD' }, { env: 'NEW' }];
const webhooks: readonly WebhookBus[] = [
  { name: 'standard', type: 'webhook', verify: { kind: 'standard-webhooks', secrets: both }, topic: { path: '$.type', prefix: 'in.' } },
  { name: 'forge', type: 'webhook', verify: { kind: 'hmac', secrets: [{ env: 'PLAIN' }], header: 'x-hub-signature-256', algorithm: 'sha256', prefix: 'sha256=' }, topic: { header: 'x-github-event', prefix: 'forge.' }, 'id-header': 'x-github-delivery' },
  { name: 'token', type: 'webhook', verify: { kind: 'token', secrets: [{ env: 'PLAIN' }], header: 'authorization', prefix: 'Bearer ' }, topic: { fixed: 'always.this' } },
];

let buses: MemoryBuses;
let gateway: TestGateway;
beforeAll(async () => {
  buses = new MemoryBuses();
  gateway = await startTestGateway({ dependencies: { buses: buses.dependencies(webhooks.map((webhook) => createWebhookReceiver(webhook, secrets))) } });
});
afterAll(() => gateway.close());
beforeEach(() => {
  buses.accepted.length = 0;
  buses.held.length = 0;
  buses.replayed.length = 0;
  buses.away = undefined;
});

async function post(bus: string, body: string | Buffer, headers: Readonly<Record<string, string>>) {
  const answer = await fetch(`${gateway.url}/v1/events/${bus}`, { method: 'POST', body: new Uint8Array(Buffer.from(body as string)), headers: { 'content-type': 'application/json', ...headers } });
  return { status: answer.status, headers: answer.headers, json: (await answer.json()) };
}

function signed(body: string, { secret = secrets.OLD, id = 'msg_1', at = new Date() }: { secret?: string; id?: string; at?: Date } = {}): Record<string, string> {
  return { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at.getTime() / 1000)), 'webhook-signature': new Webhook(secret).sign(id, at, body) };
}

const hub = (body: string, secret = secrets.PLAIN): string => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

describe('a webhook', () => {
  const body = '{"type":"koji.tag", "name":"Zoë"}';

  it.each(['OLD', 'NEW'] as const)('that is signed as Standard Webhooks say is taken, with either secret: %s', async (name) => {
    const { status, json } = await post('standard', body, signed(body, { secret: secrets[name] }));
    expect([status, takenEvent.parse(json)]).toEqual([202, { result: 'accepted' }]);
    expect(buses.accepted).toEqual([{ bus: 'standard', id: 'msg_1', topic: 'in.koji.tag', body: { type: 'koji.tag', name: 'Zoë' } }]);
  });

  it('that comes again, or is replayed, is one message', async () => {
    const headers = signed(body);
    expect([(await post('standard', body, headers)).json, (await post('standard', body, headers)).json]).toEqual([{ result: 'accepted' }, { result: 'known' }]);
    expect(buses.accepted).toHaveLength(1);
  });

  it('of a forge has its topic and its id from headers', async () => {
    const { status } = await post('forge', body, { 'x-hub-signature-256': hub(body), 'x-github-event': 'push', 'x-github-delivery': '5-6' });
    expect(status).toBe(202);
    expect(buses.accepted).toMatchObject([{ bus: 'forge', id: '5-6', topic: 'forge.push' }]);
  });

  it('with a bearer secret is taken, each body once', async () => {
    const headers = { authorization: `Bearer ${secrets.PLAIN}` };
    expect([(await post('token', body, headers)).json, (await post('token', body, headers)).json, (await post('token', '{}', headers)).json]).toEqual([{ result: 'accepted' }, { result: 'known' }, { result: 'accepted' }]);
    expect(buses.accepted).toMatchObject([{ topic: 'always.this' }, { topic: 'always.this' }]);
  });

  it.each([
    ['of nobody', 'standard', {}],
    ['with another secret', 'standard', signed(body, { secret: secretOf('a secret that nobody knows here') })],
    ['of another body', 'standard', signed(`${body} `)],
    ['with another id', 'standard', { ...signed(body), 'webhook-id': 'msg_2' }],
    ['that is six minutes old', 'standard', signed(body, { at: new Date(Date.now() - 360_000) })],
    ['that is six minutes early', 'standard', signed(body, { at: new Date(Date.now() + 360_000) })],
    ['with a signature of another version', 'standard', { ...signed(body), 'webhook-signature': signed(body)['webhook-signature']?.replace('v1,', 'v0,') ?? '' }],
    ['with a wrong HMAC', 'forge', { 'x-hub-signature-256': hub(body, 'other'), 'x-github-event': 'push' }],
    ['with an HMAC without its prefix', 'forge', { 'x-hub-signature-256': hub(body).slice(7), 'x-github-event': 'push' }],
    ['with a wrong token', 'token', { authorization: 'Bearer plain-secre' }],
    ['with the control credentials', 'token', { authorization }],
    ['of a bus that is none', 'none', signed(body)],
  ])('%s is refused in the same words, and parks nothing', async (_what, bus, headers) => {
    const { status, json } = await post(bus, body, headers);
    expect(status).toBe(401);
    expect(problem.parse(json)).toMatchObject({ code: 'unauthorized', detail: 'the webhook is not one that this service takes' });
    expect([buses.accepted, buses.held]).toEqual([[], []]);
  });

  it('that is right and cannot be read is parked, and need not be sent again', async () => {
    const { status, json } = await post('standard', '{', signed('{'));
    expect([status, json]).toEqual([202, { result: 'parked' }]);
    await post('standard', '{}', signed('{}'));
    await post('forge', '{}', { 'x-hub-signature-256': hub('{}') });
    expect(buses.held.map(({ bus, reason }) => [bus, reason])).toEqual([
      ['standard', 'the document is not valid JSON'],
      ['standard', 'it has no topic where topic: of the bus says'],
      ['forge', 'it has no topic where topic: of the bus says'],
    ]);
  });

  it('is refused while the record is away, and may come again', async () => {
    buses.away = new MillraceError('database-unavailable', 'PostgreSQL cannot be reached');
    const { status, headers, json } = await post('standard', body, signed(body));
    expect([status, headers.get('retry-after')]).toEqual([503, '2']);
    expect(problem.parse(json)).toMatchObject({ code: 'database-unavailable' });
    buses.away = undefined;
    expect((await post('standard', body, signed(body))).json).toEqual({ result: 'accepted' });
  });

  it('that is larger than a mebibyte is refused unread', async () => {
    const large = ' '.repeat(1024 * 1024 + 1);
    expect((await post('standard', large, signed(large))).status).toBe(413);
  });

  it('leaves no secret in the log', () => {
    for (const secret of Object.values(secrets)) expect(gateway.log()).not.toContain(secret);
  });
});

describe('/v1/parked-messages', () => {
  const request = async (method: string, place: string, headers: Readonly<Record<string, string>> = { authorization }) => {
    const answer = await fetch(`${gateway.url}/v1/parked-messages${place}`, { method, headers });
    return { status: answer.status, json: (await answer.json()) };
  };
  const park = (changes: object = {}, unread?: string) =>
    buses.dependencies().messages.park(
      { bus: 'forge', topic: 'a', position: null, rule: null, reason: 'why', excerpt: 'x', ...changes },
      unread === undefined ? undefined : { bytes: Buffer.from(unread), details: { id: 'one', topic: 'a', encoding: null, sha256: '' } },
    );

  it.each([['GET', ''], ['POST', '/1/retry'], ['DELETE', '/1']])('%s %s needs credentials', async (method, place) => {
    expect((await request(method, place, {})).status).toBe(401);
  });

  it('pages from the newest to the oldest', async () => {
    for (const reason of ['one', 'two', 'three']) await park({ reason });
    const first = parkedMessagePage.parse((await request('GET', '?limit=2')).json);
    const second = parkedMessagePage.parse((await request('GET', `?limit=2&cursor=${first.nextCursor}`)).json);
    expect([...first.items, ...second.items].map(({ reason }) => reason)).toEqual(['three', 'two', 'one']);
    expect(second.nextCursor).toBeNull();
    expect((await request('GET', '?limit=0')).status).toBe(400);
  });

  it('reads again what nobody could read, once it can be', async () => {
    await park({}, '{"n":1}');
    const [parked] = buses.held;
    expect(parkedMessage.parse((await request('POST', `/${parked?.id}/retry`)).json)).toMatchObject({ reason: 'why' });
    expect(buses.accepted).toMatchObject([{ bus: 'forge', id: 'one', topic: 'a', body: { n: 1 } }]);
    expect(buses.held).toEqual([]);
  });

  it('keeps what still cannot be read, and says why', async () => {
    await park({}, '{');
    const [parked] = buses.held;
    expect(problem.parse((await request('POST', `/${parked?.id}/retry`)).json)).toMatchObject({ status: 400, detail: `parked message ${parked?.id} still cannot be read: the document is not valid JSON` });
    expect(buses.held).toHaveLength(1);
  });

  it('has a rule look at its message again; while no engine answers it stays parked', async () => {
    await park({ rule: 'nightly', position: 41 });
    const [parked] = buses.held;
    expect((await request('POST', `/${parked?.id}/retry`)).status).toBe(200);
    expect([buses.replayed, buses.held]).toEqual([['nightly 41 by craft'], []]);
    await park({ rule: 'nightly', position: 42 });
    buses.away = new MillraceError('workflow-engine-unavailable', 'away');
    expect((await request('POST', `/${buses.held[0]?.id}/retry`)).status).toBe(503);
    expect(buses.held).toHaveLength(1);
  });

  it('forgets what is dropped, once', async () => {
    await park();
    const [parked] = buses.held;
    expect((await request('DELETE', `/${parked?.id}`)).status).toBe(200);
    expect(problem.parse((await request('DELETE', `/${parked?.id}`)).json)).toMatchObject({ status: 404, code: 'message-not-found' });
    for (const id of ['x', '0', '1.5']) expect((await request('POST', `/${id}/retry`)).status).toBe(404);
  });
});
