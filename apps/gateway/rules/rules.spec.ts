import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { busMessage, composeRule } from '../../../libs/testing/compose-rule.js';
import { MemoryBuses } from '../__fixtures__/memory-buses.js';
import { MemoryRules } from '../__fixtures__/memory-rules.js';
import { authorization, startTestGateway, type TestGateway } from '../__fixtures__/test-gateway.js';
import { problem } from '../openapi/error-schemas.js';
import { dryRun, ruleDetail, ruleList } from './rule-schemas.js';

const repository = (source: string) => ({ source: { type: 'repo', source } });
const tags = composeRule({ request: repository('http://r.test/{{ message.body.tag }}'), latest: '{{ message.body.tag }}' });

let rules: MemoryRules;
let buses: MemoryBuses;
let gateway: TestGateway;
beforeAll(async () => {
  rules = new MemoryRules([tags]);
  buses = new MemoryBuses();
  rules.set('gone', { retiredAt: '2026-03-20T10:00:00.000Z' });
  gateway = await startTestGateway({ dependencies: { rules: rules.dependencies(), buses: buses.dependencies() }, environment: { MILLRACE_TEMPORAL_UI: 'http://temporal.test:8233' } });
});
afterAll(async () => {
  await gateway.close();
});
beforeEach(() => {
  rules.away = undefined;
  rules.told.length = 0;
});

async function call(place: string, body?: object, headers: Readonly<Record<string, string>> = { authorization }) {
  const answer = await fetch(`${gateway.url}/v1/rules${place}`, body === undefined ? { headers } : { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: answer.status, json: await answer.json() };
}

describe('/v1/rules', () => {
  it.each<[string, object | undefined]>([['', undefined], ['/tags', undefined], ['/tags/pause', {}], ['/tags/resume', {}], ['/tags/replay', { position: 1 }], ['/dry-run', {}]])('%s needs credentials', async (place, body) => {
    expect((await call(place, body, {})).status).toBe(401);
    expect(rules.told).toEqual([]);
  });

  it('lists rules, also those that are retired', async () => {
    const { items } = ruleList.parse((await call('')).json);
    expect(items.map(({ name, state, behind }) => [name, state, behind])).toEqual([['tags', 'active', 2], ['gone', 'retired', 0]]);
    expect(items[0]?.links).toEqual({ self: '/v1/rules/tags', workflow: expect.stringContaining('http://temporal.test:8233') });
  });

  it('shows a rule with what is under way, its composes and its settings', async () => {
    const { json } = await call('/tags');
    expect(ruleDetail.parse(json)).toMatchObject({ name: 'tags', matters: [{ key: 'f41', state: 'composing', composeId: 9 }], composes: [{ composeId: 9, chain: ['tags'] }], settings: { buses: ['koji'], latest: '{{ message.body.tag }}' } });
  });

  it('shows what the record has when the engine is away, and of a retired rule', async () => {
    rules.away = new MillraceError('workflow-engine-unavailable', 'away');
    expect(ruleDetail.parse((await call('/tags')).json)).toMatchObject({ matters: null });
    expect(ruleDetail.parse((await call('/gone')).json)).toMatchObject({ state: 'retired', matters: [], settings: null });
    expect(problem.parse((await call('/none')).json)).toMatchObject({ status: 404, code: 'rule-not-found' });
  });

  it('pauses, resumes and replays, and says by whom', async () => {
    for (const [place, body] of [['pause', {}], ['resume', {}], ['replay', { position: 4 }], ['replay', { since: '2026-03-20T10:00:00Z' }]] as const) expect((await call(`/tags/${place}`, body)).status).toBe(200);
    expect(rules.told.filter((each) => !each.startsWith('status'))).toEqual(['pause tags by craft', 'resume tags by craft', 'replay tags 4 by craft', 'replay tags 2026-03-20T10:00:00Z by craft']);
  });

  it.each<[string, object, number, string]>([
    ['/gone/pause', {}, 404, 'rule-not-found'],
    ['/none/resume', {}, 404, 'rule-not-found'],
    ['/tags/replay', {}, 400, 'invalid-request'],
    ['/tags/replay', { since: 'yesterday' }, 400, 'invalid-request'],
    ['/tags/replay', { position: 1, since: '2026-03-20T10:00:00Z' }, 400, 'invalid-request'],
    ['/dry-run', { message: { bus: 'koji', topic: 't', body: 1 }, hours: 3 }, 400, 'invalid-request'],
    ['/dry-run', { rules: [{ name: 'X' }] }, 400, 'invalid-request'],
    ['/dry-run', { rule: 'none' }, 404, 'rule-not-found'],
    ['/dry-run', { colour: 'red' }, 400, 'invalid-request'],
  ])('refuses %s with %j', async (place, body, status, code) => {
    expect(problem.parse((await call(place, body)).json)).toMatchObject({ status, code });
  });

  it.each(['workflow-engine-unavailable', 'rule-not-found'] as const)('says that the engine is away when it answers %s', async (code) => {
    rules.away = new MillraceError(code, 'away');
    expect(problem.parse((await call('/tags/pause', {})).json)).toMatchObject({ status: 503, code: 'workflow-engine-unavailable' });
  });
});

describe('a dry run', () => {
  const message = (body: unknown) => ({ message: { bus: 'koji', topic: 'org.example.koji.tag', body } });
  const first = async (body: object) => dryRun.parse((await call('/dry-run', body)).json).rules[0];

  it('says which request a message would make, checked', async () => {
    expect(await first(message({ tag: 'f41' }))).toMatchObject({ rule: 'tags', matched: 1, composes: 1, samples: [{ kind: 'match', position: null, key: 'f41', latest: 'f41', request: { sourceType: 'repo', source: ['http://r.test/f41'], arches: ['x86_64'] }, reason: null }] });
    expect(gateway.composes.held.size).toBe(0);
  });

  it('says why it would make none', async () => {
    expect(await first(message({ release: 1 }))).toMatchObject({ matched: 0, unfit: 1, samples: [{ kind: 'unfit', reason: expect.stringContaining('undefined variable') }] });
    expect(await first(message({ tag: 'f41', chain: ['x', 'tags'] }))).toMatchObject({ loops: 1, samples: [{ kind: 'loop', reason: expect.stringContaining('x → tags') }] });
    expect(await first({ message: { bus: 'koji', topic: 'other', body: {} } })).toMatchObject({ matched: 0, samples: [] });
    expect(await first({ ...message({ tag: 'f 41' }), rules: [{ name: 'other', buses: ['koji'], request: { source: { type: 'git', source: 'x' } } }] })).toMatchObject({ rule: 'other', samples: [{ kind: 'unfit', reason: expect.stringContaining('Unknown source type "git"') }] });
  });

  it('tries other rules on the messages that are kept', async () => {
    for (let index = 0; index < 250; index += 1) buses.accepted.push(busMessage({ tag: `f${index % 2}` }, { id: String(index) }));
    const other = { name: 'other', buses: ['koji'], key: '{{ message.body.tag }}', when: [{ path: '$.tag', equals: 'f1' }], request: repository('http://r.test/') };
    const run = dryRun.parse((await call('/dry-run', { rules: [other], hours: 1 })).json);
    expect(run).toMatchObject({ looked: 250, complete: true, rules: [{ rule: 'other', matched: 125, composes: 1 }] });
    expect(run.rules[0]?.samples).toHaveLength(20);
    expect(run.rules[0]?.samples.at(-1)?.position).toBe(250);
  });
});

describe('metrics', () => {
  it('tell of each rule that the settings have', async () => {
    const text = await (await fetch(`${gateway.url}/metrics`, { headers: { authorization } })).text();
    expect(text).toContain('millrace_rule_messages_behind{rule="tags"} 2');
    expect(text).toContain('millrace_rule_loops_total{rule="tags"} 0');
    expect(text).not.toContain('rule="gone"');
  });
});
