import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { projectRoot } from '../embedded/project-root.js';
import { parseSettingsFile } from '../settings-file/read-settings-file.js';
import { writeTestCertificates } from '../testing/test-certificates.js';
import { busFileKeys } from './bus-schema.js';
import { openConsumers, openWebhooks } from './open-buses.js';

const read = (file: string): string => readFileSync(path.join(projectRoot(), file), 'utf8');
const page = read('docs/reference/compose-buses.md');
const example = /```yaml\n# buses\.yaml\n([^]*?)```/.exec(page)?.[1] ?? '';
const kind = { schema: z.strictObject(busFileKeys), page: 'docs/reference/compose-buses.md' };
const mistakesOf = (text: string): string => {
  try {
    parseSettingsFile(text, 'rules.yaml', kind);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the text was accepted');
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-buses-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(text: string): string {
  const file = path.join(folder, 'rules.yaml');
  writeFileSync(file, text);
  return file;
}

describe('the buses of a settings file', () => {
  it('are complete in the example of the documentation', () => {
    const { buses, retention, 'parked-retention': parked } = parseSettingsFile(example, 'rules.yaml', kind);
    expect([retention, parked]).toEqual([14, 90]);
    expect(buses.map(({ name, type }) => [name, type])).toEqual([['fedora', 'amqp-0-9-1'], ['umb', 'amqp-1.0'], ['forge', 'webhook'], ['pipeline', 'webhook']]);
  });

  it('have every key in the reference', () => {
    const documented = new Set([...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, key]) => key));
    const written = [...read('libs/event-bus/bus-schema.ts').matchAll(/(?:^ +|[{,] )'?([a-z][a-z-]*)'?: (?:z$|z\b|secret|headerName|jsonPath|topicText|nameSchema|verifySchema|topicSchema|prefetch)/gm)].map(([, key]) => key);
    expect(new Set(written).size).toBeGreaterThan(18);
    expect(written.filter((key) => !documented.has(key))).toEqual([]);
  });

  it.each([
    ['buses: [{name: a, type: pigeon}]', 'buses[0].type: '],
    ['buses: [{name: a, type: amqp-0-9-1, url: "amqp://x.test"}]', 'buses[0].queue: '],
    ['buses: [{name: a, type: amqp-0-9-1, url: "amqp://u:p@x.test", queue: q}]', 'must not hold a user or a password'],
    ['buses: [{name: a, type: amqp-0-9-1, url: "amqp://x.test", queue: q, username: me}]', 'username and password belong together'],
    ['buses: [{name: a, type: amqp-0-9-1, url: "amqp://x.test", queue: q, declare: false, bindings: [{exchange: e, topics: ["#"]}]}]', 'they need declare: true'],
    ['buses: [{name: a, type: amqp-0-9-1, url: "amqp://x.test", queue: q, prefetch: 0}]', 'buses[0].prefetch: '],
    ['buses: [{name: a, type: amqp-1.0, url: "http://x.test", address: q}]', 'buses[0].url: must be a URL such as'],
    ['buses: [{name: a, type: webhook, topic: {fixed: t}, verify: {kind: token, secrets: []}}]', 'buses[0].verify.secrets: '],
    ['buses: [{name: a, type: webhook, topic: {fixed: t}, verify: {kind: token, secrets: [plain]}}]', 'must be file: <absolute path> or env: <variable>'],
    ['buses: [{name: a, type: webhook, topic: {}, verify: {kind: token, secrets: [{env: A}]}}]', 'buses[0].topic: must be header: <name>, path: <JSONPath>, or fixed: <topic>'],
    ['buses: [{name: a, type: webhook, topic: {fixed: t}, id-header: "a b", verify: {kind: token, secrets: [{env: A}]}}]', 'buses[0].id-header: must be the name of a header'],
    ['buses: [{name: a, type: webhook, topic: {fixed: t}, verify: {kind: token, secrets: [{env: A}]}}, {name: a, type: webhook, topic: {fixed: t}, verify: {kind: token, secrets: [{env: A}]}}]', 'buses[1].name: is the name of another bus: a'],
    ['buses: []\nretention: 0', 'retention: '],
    ['buses: []\nbus: []', 'bus: unknown key'],
  ])('say where the mistake is in %j', (text, mistake) => {
    expect(mistakesOf(text)).toContain(mistake);
  });

  it('are opened by who needs them, with the secrets that it needs, and rules beside them', async () => {
    const { client } = writeTestCertificates(folder);
    const text = example.replaceAll(/\/etc\/millrace\/\S+\.pem/g, client.certificate).replaceAll(/\/run\/secrets\/(?:bus|umb)-client\.key/g, client.key).replace('/run/secrets/forge-hook', fileWith('forge-hook', 'x'));
    const file = fileOf(`${text}\nrules: []\n`);
    const { consumers, retention } = await openConsumers(file, {});
    expect(consumers.map(({ name }) => name)).toEqual(['fedora', 'umb']);
    expect(retention).toEqual({ messages: 14, parked: 90 });
    await expect(openWebhooks(file, {})).rejects.toMatchObject({ code: 'invalid-setting', message: 'the environment variable PIPELINE_SECRET holds no secret' });
    const wrong = openWebhooks(file, { PIPELINE_SECRET: 'not base64!' });
    await expect(wrong).rejects.toMatchObject({ code: 'invalid-setting' });
    await expect(wrong).rejects.not.toMatchObject({ message: expect.stringContaining('not base64') });
    expect([...(await openWebhooks(file, { PIPELINE_SECRET: 'whsec_aGVsbG8=' })).keys()]).toEqual(['forge', 'pipeline']);
  });

  it('are none without a file', async () => {
    await expect(openConsumers(undefined, {})).resolves.toMatchObject({ consumers: [] });
    expect((await openWebhooks(undefined, {})).size).toBe(0);
  });

  function fileWith(name: string, text: string): string {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  }
});
