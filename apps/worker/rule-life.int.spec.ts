import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createComposeNames } from '../../libs/compose-names/create-compose-names.js';
import { query } from '../../libs/database/sql.js';
import { createRuleRecord } from '../../libs/rule-record/create-rule-record.js';
import { createIncomingMessages, type RecordedIncomingMessages } from '../../libs/rule-record/incoming-messages.js';
import { createComposeRuleWorkflowClient, type ComposeRuleWorkflowClient } from '../../temporal/compose-rule-workflow-client.js';
import { startHeldSource, type HeldSource } from './__fixtures__/held-source.js';
import { workComposes, type WorkedComposes } from './__fixtures__/worked-composes.js';

// Specs share the server, and workflows are named for rules.
const own = randomBytes(4).toString('hex');
const [tags, after, chained] = [`tags-${own}`, `after-${own}`, `chained-${own}`];
const stateChanged = 'odcs.compose.state-changed';

let folder: string;
let file: string;
let source: HeldSource;
let composes: WorkedComposes;
let incoming: RecordedIncomingMessages;
let rules: ComposeRuleWorkflowClient;

const header = 'buses:\n  - { name: events, type: webhook, verify: { kind: standard-webhooks, secrets: [{ env: SECRET }] }, topic: { fixed: event } }\nrules:\n';
const rule = (name: string, text: string): string => `  - name: ${name}\n    buses: [events]\n    debounce: { quiet: 0.5, longest: 30 }\n${text}`;
const request = (text: string): string => `    request: { source: { type: repo, source: '${text}', packages: [spoon] } }\n`;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-rules-'));
  file = path.join(folder, 'rules.yaml');
  source = await startHeldSource();
  const loops = request(source.repository('loop'));
  writeFileSync(
    file,
    [
      header,
      rule(tags, `    topics: [org.example.tag]\n    key: '{{ message.body.tag }}'\n    latest: '{{ message.body.tag }}-${own}'\n${request('{{ message.body.repository }}')}`),
      rule(after, `    topics: [${stateChanged}]\n    when: [{ path: $.compose.state_name, equals: done }, { path: $.compose.owner, matches: 'rule:(tags|chained)-.*' }]\n${loops}`),
      rule(chained, `    topics: [${stateChanged}]\n    when: [{ path: $.compose.state_name, equals: done }, { path: $.compose.owner, equals: 'rule:${after}' }]\n${loops}`),
    ].join(''),
  );
  composes = await workComposes({ MILLRACE_COMPOSE_RULES: file });
  incoming = createIncomingMessages(composes.database);
  rules = createComposeRuleWorkflowClient(composes.client);
  await until(async () => (await createRuleRecord(composes.database).list()).length === 3);
}, 120_000);
afterAll(async () => {
  for (const name of [tags, after, chained]) await composes?.client.workflow.getHandle(`compose-rule:${name}`).terminate().catch(() => undefined);
  await incoming?.close();
  await composes?.[Symbol.asyncDispose]();
  await source?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`did not come to pass: ${holds.toString()}`);
    await pause(50);
  }
}

interface RuleCompose {
  readonly compose_id: string;
  readonly key: string;
  readonly position: string;
  readonly chain: string;
}
const composesOf = (name: string): Promise<RuleCompose[]> => query<RuleCompose>(composes.database, 'select compose_id, key, position, chain from rule_composes where rule = $1 order by compose_id', [name]);

/** Brings what the record has to say to the bus that the rules listen to, as a broker would. */
async function relay(): Promise<void> {
  const rows = await query<{ message_id: string; topic: string; body: string }>(composes.database, 'select message_id, topic, body from outbound_messages order by id');
  for (const { message_id: id, topic, body } of rows) await incoming.accept({ bus: 'events', id, topic, body: JSON.parse(body) as unknown });
}

describe('a burst of 1,000 messages', () => {
  it('becomes one compose of each key, with the newest message, and names point at them', async () => {
    const repositories = Array.from({ length: 4 }, (_, index) => source.repository(`burst-${index}`));
    const newest = new Map<string, number>();
    await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        const { position } = await incoming.accept({ bus: 'events', id: `burst-${index}`, topic: 'org.example.tag', body: { tag: `f${index % 4}`, repository: repositories[index % 4] } });
        newest.set(`f${index % 4}`, Math.max(position, newest.get(`f${index % 4}`) ?? 0));
      }),
    );
    await until(async () => (await rules.status(tags)).counts.done >= 4 && (await rules.status(tags)).matters.length === 0);
    const status = await rules.status(tags);
    const made = await composesOf(tags);
    expect(status.counts).toMatchObject({ matched: 1000, failed: 0, parked: 0 });
    // A key may be composed again when its messages came in two bursts, however that was with this machine.
    expect(made.length).toBe(status.counts.requested);
    expect(made.length).toBeLessThanOrEqual(8);
    for (const [key, position] of newest) {
      const last = made.findLast((compose) => compose.key === key);
      expect(Number(last?.position)).toBe(position);
      expect(await createComposeNames(composes.database, { composeUrl: 'http://composes.test', graceSeconds: 60 }).get(`${key}-${own}`)).toMatchObject({ composeId: Number(last?.compose_id), by: `rule:${tags}` });
      expect(await composes.get(Number(last?.compose_id))).toMatchObject({ owner: `rule:${tags}`, state: 'done' });
    }
  }, 90_000);
});

describe('rules that match messages about composes of rules', () => {
  it('do not go on for ever', async () => {
    await relay();
    await until(async () => {
      await relay();
      return (await rules.status(after)).counts.loops >= 1;
    });
    await until(async () => (await rules.status(after)).matters.length + (await rules.status(chained)).matters.length === 0);
    expect([...new Set((await composesOf(after)).map(({ chain }) => chain))]).toEqual([JSON.stringify([tags, after])]);
    expect([...new Set((await composesOf(chained)).map(({ chain }) => chain))]).toEqual([JSON.stringify([tags, after, chained])]);
    expect((await rules.status(after)).problem).toContain(`(${tags} → ${after} → ${chained}): left out`);
    const count = (await composesOf(after)).length;
    await relay();
    await until(async () => (await rules.status(after)).position >= (await incoming.positionBefore('2999-01-01T00:00:00Z')));
    expect((await composesOf(after)).length).toBe(count);
  }, 90_000);
});

describe('a rule', () => {
  it('parks messages that no request can be made of, and makes the others', async () => {
    await incoming.accept({ bus: 'events', id: 'poisoned', topic: 'org.example.tag', body: { tag: 'f9' } });
    await until(async () => (await rules.status(tags)).counts.parked === 1);
    expect(await incoming.parked({ limit: 1 })).toMatchObject([{ rule: tags, reason: expect.stringContaining('undefined variable'), excerpt: '{"tag":"f9"}' }]);
  }, 60_000);

  it('that is paused is so in the record, makes nothing meanwhile, and then what came', async () => {
    await rules.pause(tags, 'ann');
    expect(await createRuleRecord(composes.database).get(tags)).toMatchObject({ pausedBy: 'ann' });
    const before = (await composesOf(tags)).length;
    const { position } = await incoming.accept({ bus: 'events', id: 'paused', topic: 'org.example.tag', body: { tag: 'paused', repository: source.repository('paused') } });
    for (const name of [tags, after]) await rules.poke(name);
    await until(async () => (await rules.status(after)).position >= position);
    expect([(await composesOf(tags)).length, (await rules.status(tags)).position]).toEqual([before, position - 1]);
    await rules.resume(tags, 'ann');
    await until(async () => (await composesOf(tags)).some(({ key }) => key === 'paused'));
  }, 60_000);

  it('loses nothing and doubles nothing when its worker and its workflow are gone in the middle of a compose', async () => {
    const url = source.repository('held');
    source.hold('held');
    await incoming.accept({ bus: 'events', id: 'held', topic: 'org.example.tag', body: { tag: 'held', repository: url } });
    await source.reached('held');
    await composes.client.workflow.getHandle(`compose-rule:${tags}`).terminate();
    await Promise.all(composes.workers.map((worker) => worker.stop()));
    await incoming.accept({ bus: 'events', id: 'meanwhile', topic: 'org.example.tag', body: { tag: 'meanwhile', repository: source.repository('meanwhile') } });
    source.release('held');
    await composes.startWorker();
    await until(async () => (await composesOf(tags)).some(({ key }) => key === 'meanwhile') && (await rules.status(tags)).matters.length === 0);
    expect((await composesOf(tags)).filter(({ key }) => key === 'held' || key === 'meanwhile').map(({ key }) => key)).toEqual(['held', 'meanwhile']);
    const names = createComposeNames(composes.database, { composeUrl: 'http://composes.test', graceSeconds: 60 });
    await expect(names.get(`held-${own}`)).resolves.toMatchObject({ by: `rule:${tags}` });
  }, 90_000);

  it('that the settings do not have any more is retired, and goes on when it is back', async () => {
    const text = `${header}${rule(tags, `    topics: [org.example.tag]\n    key: '{{ message.body.tag }}'\n${request('{{ message.body.repository }}')}`)}`;
    writeFileSync(file, text);
    await Promise.all(composes.workers.map((worker) => worker.stop()));
    await composes.startWorker();
    const record = createRuleRecord(composes.database);
    await until(async () => (await record.get(after)).retiredAt !== null && (await record.get(chained)).retiredAt !== null);
    expect((await record.get(tags)).retiredAt).toBeNull();
    await expect(composes.client.workflow.getHandle(`compose-rule:${after}`).result()).resolves.toMatchObject({ rule: after });
    const filter = `MillraceRule = "${after}" AND MillraceRuleState = "retired"`;
    for (let count = 0; count < 1; ) ({ count } = await composes.client.workflow.count(filter));
  }, 60_000);
});
