import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { projectRoot } from '../embedded/project-root.js';
import { isMillraceError } from '../errors/millrace-error.js';
import { openMessageSinks } from './open-message-sinks.js';
import { parseSettingsFile } from '../settings-file/read-settings-file.js';
import { messageSettingsFile } from './message-settings-schema.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-message-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(text: string): string {
  const file = path.join(folder, 'messages.yaml');
  writeFileSync(file, text);
  return file;
}

const options = (environment: Record<string, string> = {}) => ({ environment, forbiddenPorts: [] });

function mistakesOf(text: string): string {
  try {
    parseSettingsFile(text, 'messages.yaml', messageSettingsFile);
  } catch (error) {
    if (isMillraceError(error) && error.code === 'invalid-setting') return error.message;
    throw error;
  }
  throw new Error('the text was accepted');
}

describe('the settings of messages', () => {
  it('are complete in the example of the documentation', () => {
    const page = readFileSync(path.join(projectRoot(), 'docs/how-to/get-messages-about-composes.md'), 'utf8');
    const example = /```yaml\n# messages\.yaml\n([^]*?)```/.exec(page)?.[1] ?? '';
    const { sinks, retention } = parseSettingsFile(example, 'messages.yaml', messageSettingsFile);
    expect(retention).toBe(7);
    expect(sinks.map(({ type }) => type)).toEqual(['amqp-0-9-1', 'amqp-1.0', 'kafka', 'webhook']);
  });

  it('have every key in the reference', () => {
    const page = readFileSync(path.join(projectRoot(), 'docs/how-to/get-messages-about-composes.md'), 'utf8');
    const documented = new Set([...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, key]) => key));
    const source = ['messaging/message-settings-schema.ts', 'amqp/amqp-schemas.ts', 'settings-file/common-schemas.ts'].map((file) => readFileSync(path.join(projectRoot(), 'libs', file), 'utf8')).join('');
    const written = new Set([...source.matchAll(/(?:^ +|[{,] )'?([a-z][a-z-]*)'?: (?:z\b|secretSchema|tlsSchema|absolutePath|nameSchema|urlSchema|cidrList|variable)/gm)].map(([, key]) => key));
    expect(written.size).toBeGreaterThan(25);
    expect([...written].filter((key) => !documented.has(key))).toEqual([]);
    expect([...documented].filter((key) => !written.has(key))).toEqual([]);
  });

  it.each([
    ['sinks: [{type: carrier-pigeon, name: a}]', 'messages.yaml: sinks[0].type: '],
    ['sinks: [{type: webhook, name: a, secrets: [{env: A}]}]', 'messages.yaml: sinks[0].url: '],
    ['sinks: [{type: webhook, name: a, url: "ftp://x.test", secrets: [{env: A}]}]', 'sinks[0].url: must be a URL such as https://receiver.example/hooks'],
    ['sinks: [{type: webhook, name: a, url: "https://x.test", secrets: []}]', 'sinks[0].secrets: '],
    ['sinks: [{type: webhook, name: a, url: "https://x.test", secrets: [whsec_abcd]}]', 'sinks[0].secrets[0]: must be file: <absolute path> or env: <variable>'],
    ['sinks: [{type: webhook, name: a, url: "https://x.test", secrets: [{file: not/absolute}]}]', 'sinks[0].secrets[0].file: must be an absolute path'],
    ['sinks: [{type: webhook, name: a, url: "https://x.test", secrets: [{env: A}], allow-destinations: [everything]}]', 'sinks[0].allow-destinations[0]: must be a CIDR'],
    ['sinks: [{type: amqp-0-9-1, name: a, url: "amqp://user:secret@x.test", exchange: e}]', 'sinks[0].url: must not hold a user or a password'],
    ['sinks: [{type: amqp-0-9-1, name: a, url: "amqp://x.test", exchange: e, password-file: /x}]', 'sinks[0].password-file: unknown key'],
    ['sinks: [{type: amqp-0-9-1, name: a, url: "amqp://x.test", exchange: e, username: me}]', 'sinks[0]: username and password belong together'],
    ['sinks: [{type: amqp-0-9-1, name: a, url: "amqps://x.test", exchange: e, tls: {certificate-file: /x}}]', 'sinks[0].tls: certificate-file and key-file belong together'],
    ['sinks: [{type: kafka, name: a, brokers: [x.test]}]', 'sinks[0].brokers[0]: must be host:port'],
    ['sinks: [{type: kafka, name: a, brokers: ["x.test:1"]}, {type: kafka, name: a, brokers: ["x.test:1"]}]', 'sinks[1].name: is the name of another sink: a'],
    ['sinks: [{type: kafka, name: Not a name, brokers: ["x.test:1"]}]', 'sinks[0].name: must be 1 to 63 of'],
    ['sinks: []\nretention: 0', 'retention: '],
    ['sinks: []\nsink: []', 'sink: unknown key'],
    ['a: &x 1\nb: *x', 'line 1: anchors and aliases are not allowed'],
    ['', 'the file: '],
    ['sinks: [', 'line 1: '],
  ])('say where the mistake is in %j', (text, message) => {
    expect(mistakesOf(text)).toContain(message);
  });

  it('tell every mistake at once, and where all keys are listed', () => {
    expect(mistakesOf('sinks: [{type: kafka, name: "", brokers: []}]')).toMatch(/sinks\[0\]\.name: .*; sinks\[0\]\.brokers: /);
  });

  it('are no sinks at all without a file', async () => {
    await expect(openMessageSinks(undefined, options())).resolves.toEqual({ sinks: [], retention: 7 });
  });

  it('name a file that cannot be read', async () => {
    await expect(openMessageSinks(path.join(folder, 'none.yaml'), options())).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringMatching(/^MILLRACE_MESSAGES: cannot read .*none\.yaml/) });
  });

  it('are checked with their secrets at the start, and say which is missing and never what it is', async () => {
    const file = fileOf('sinks: [{type: webhook, name: a, url: "https://x.test", secrets: [{env: HOOK_SECRET}]}]');
    await expect(openMessageSinks(file, options())).rejects.toMatchObject({ code: 'invalid-setting', message: 'the environment variable HOOK_SECRET holds no secret' });
    const mistaken = await openMessageSinks(file, options({ HOOK_SECRET: 'not base64!' })).catch((error: unknown) => error as Error);
    expect(mistaken).toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('must be base64') });
    expect(JSON.stringify(mistaken) + String((mistaken as Error).message)).not.toContain('not base64!');
    const { sinks } = await openMessageSinks(file, options({ HOOK_SECRET: `whsec_${Buffer.from('a good secret').toString('base64')}` }));
    expect(sinks).toMatchObject([{ name: 'a', type: 'webhook', from: 'now' }]);
  });

  it('may hold secrets in files', async () => {
    const secret = path.join(folder, 'password');
    const file = fileOf(`sinks: [{type: amqp-1.0, name: a, url: "amqps://x.test", address: q, username: me, password: {file: ${secret}}}]`);
    await expect(openMessageSinks(file, options())).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining(`cannot read ${secret}`) });
    writeFileSync(secret, 'a password\n');
    const { sinks } = await openMessageSinks(file, options());
    expect(sinks).toHaveLength(1);
  });
});
