import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildPackages, copyPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { confirmedPublisher, type ConfirmedPublisher } from '../../libs/event-bus/__fixtures__/confirmed-publisher.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { startRabbitmq, type TestRabbitmq } from '../../libs/testing/start-rabbitmq.js';
import { startComposeService, type ComposeService } from '../composes/compose-service.js';

const exchange = 'amq.topic';
const queue = 'millrace-rules';
const keys = ['f0', 'f1', 'f2', 'f3'];

interface RuleAnswer {
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly matters: readonly object[] | null;
  readonly composes: readonly { readonly composeId: number; readonly key: string; readonly position: number; readonly chain: readonly string[]; readonly replay: string }[];
  readonly problem: string | null;
}

describeWith('rabbitmq-server', 'rules on the whole service, with a real broker', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-rules-e2e-'));
  let broker: TestRabbitmq;
  let service: ComposeService;
  let publisher: ConfirmedPublisher;

  beforeAll(async () => {
    broker = await startRabbitmq();
    const repositories = path.join(folder, 'repositories');
    const packages = path.join(folder, 'packages');
    buildPackages(packages, [{ name: 'spoon', arch: 'noarch' }]);
    for (const name of [...keys, 'loop']) {
      copyPackages(packages, path.join(repositories, name, name));
      execFileSync('createrepo_c', ['--quiet', path.join(repositories, name)], { stdio: 'ignore' });
    }
    mkdirSync(folder, { recursive: true });
    const url = `amqp://${new URL(broker.url).host}`;
    const login = `url: '${url}', username: guest, password: { env: BROKER_PASSWORD }`;
    const rules = path.join(folder, 'rules.yaml');
    writeFileSync(
      rules,
      `buses:
  - { name: broker, type: amqp-0-9-1, ${login}, queue: ${queue}, bindings: [{ exchange: ${exchange}, topics: ['org.example.#', 'odcs.#'] }] }
rules:
  - name: tags
    buses: [broker]
    topics: [org.example.tag.*]
    key: '{{ message.topic | split: "." | last }}'
    debounce: { quiet: 2, longest: 120 }
    request: { source: { type: repo, source: '${repositories}/{{ message.topic | split: "." | last }}', packages: [spoon] } }
    latest: '{{ message.topic | split: "." | last }}'
  - name: loop
    buses: [broker]
    topics: [odcs.compose.state-changed]
    when: [{ path: $.compose.state_name, equals: done }]
    debounce: { quiet: 1, longest: 30 }
    request: { source: { type: repo, source: '${repositories}/loop' } }
`,
    );
    const messages = path.join(folder, 'messages.yaml');
    writeFileSync(messages, `sinks:\n  - { name: broker, type: amqp-0-9-1, ${login}, exchange: ${exchange} }\n`);
    service = await startComposeService({ MILLRACE_COMPOSE_SOURCE_PATHS: repositories, MILLRACE_COMPOSE_RULES: rules, MILLRACE_MESSAGES: messages, BROKER_PASSWORD: 'guest' });
    publisher = confirmedPublisher({ url: broker.url, exchange, topicOf: (id) => `org.example.tag.f${Number(id) % keys.length}` });
    await until(queueIsBound);
    await until(async () => (await rule('tags')).matters !== null && (await rule('loop')).matters !== null);
  }, 240_000);
  afterAll(async () => {
    await service?.stop();
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function queueIsBound(): Promise<boolean> {
    const connection = await connect(broker.url);
    connection.on('error', () => undefined);
    try {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined);
      return (await channel.checkQueue(queue)).consumerCount > 0;
    } finally {
      await connection.close().catch(() => undefined);
    }
  }

  async function call(place: string, body?: object): Promise<RuleAnswer> {
    const headers = { authorization: service.authorization, 'content-type': 'application/json' };
    const answer = await fetch(`${service.url}/v1/rules/${place}`, body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${place}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as RuleAnswer;
  }
  const rule = (name: string): Promise<RuleAnswer> => call(name);
  const count = async (name: string, what: string): Promise<number> => (await rule(name)).counts[what] ?? 0;
  const rests = async (name: string): Promise<boolean> => (await rule(name)).matters?.length === 0;

  async function until(holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 120_000;
    while (!(await holds().catch(() => false))) {
      if (performance.now() > deadline) throw new Error(`did not come to pass: ${holds.toString()}; ${JSON.stringify(await rule('tags'))}`);
      await pause(200);
    }
  }

  it('make the right few composes of 1,000 events, none lost or counted twice while the broker was killed', async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => String(index));
    await publisher.publish(ids.slice(0, 400));
    const rest = publisher.publish(ids.slice(400));
    await broker.kill();
    await broker.restart();
    await rest;
    await until(async () => (await count('tags', 'matched')) >= 1000 && (await rests('tags')));
    const { counts, composes, problem } = await rule('tags');
    expect([counts, problem]).toMatchObject([{ matched: 1000, failed: 0, parked: 0, loops: 0 }, null]);
    expect(composes.length).toBe(counts['requested']);
    // One for each key, and again where messages came after the silence that the broker's restart was.
    expect(composes.length).toBeLessThanOrEqual(4 * keys.length);
    for (const key of keys) {
      const newest = composes.find((compose) => compose.key === key);
      const repository = await fetch(`${service.url}/composes/latest/${key}/compose/Temporary/x86_64/os/repodata/repomd.xml`);
      expect([newest?.chain, repository.status]).toEqual([['tags'], 200]);
    }
  }, 180_000);

  it('do not go round when one matches the messages about its own composes', async () => {
    await until(async () => (await count('loop', 'loops')) > 0 && (await rests('loop')));
    const { composes, problem } = await rule('loop');
    expect(new Set(composes.map(({ chain }) => chain.join(' ')))).toEqual(new Set(['tags loop']));
    expect(problem).toContain('tags → loop');
  }, 120_000);

  it('rest while they are paused, go on, and look at a message again when they are told to', async () => {
    expect(await call('tags/pause', {})).toMatchObject({ state: 'paused' });
    const before = (await rule('tags')).composes[0]!.composeId;
    await publisher.publish(['2000']);
    await until(async () => (await (await fetch(`${service.url}/metrics`, { headers: { authorization: service.authorization } })).text()).includes('millrace_rule_messages_behind{rule="tags"} 0') === false);
    expect((await rule('tags')).composes[0]!.composeId).toBe(before);
    expect(await call('tags/resume', {})).toMatchObject({ state: 'active' });
    await until(async () => (await rule('tags')).composes[0]!.composeId !== before && (await rests('tags')));
    const [newest] = (await rule('tags')).composes;
    await call('tags/replay', { position: newest!.position });
    await until(async () => (await rule('tags')).composes[0]!.replay !== '' && (await rests('tags')));
    expect((await rule('tags')).composes[0]).toMatchObject({ key: 'f0', position: newest!.position, chain: ['tags'] });
  }, 120_000);
});
