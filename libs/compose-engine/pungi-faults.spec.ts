import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { processesWith } from '../testing/processes.js';
import { pungiSpecs, rawConfig, rawRequest } from './__fixtures__/pungi-kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import type { ScratchEngine } from './__fixtures__/scratch-engine.js';

const { kitchen, scratch } = pungiSpecs();
let next = 0;

const logs = ['pungi-stderr.log', 'pungi-stdout.log'];
/** Of Pungi's own, when it has begun. */
const kept = ['logs/global/config-dump.global.log', 'logs/global/environment.log', 'logs/global/pungi.global.log', ...logs];
const staging = (id: number): string => path.join(scratch().settings.composes, `.staging/odcs-${id}`);
const mark = (id: number): string => `MILLRACE_TOOL=${path.join(scratch().settings.composes, `odcs-${id}`)}`;

/** Makes a compose of this configuration; answers its id and how it goes. */
function compose(config: string, options: Parameters<ScratchEngine['compose']>[2] = {}) {
  next += 1;
  const commit = kitchen().commit('kitchen.conf', rawConfig(config));
  return { id: next, ended: scratch().compose(next, rawRequest({ source: [`kitchen#${commit}`] }), options) };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Pungi and two more that do not want to end. */
async function familyOf(id: number): Promise<void> {
  await until(() => processesWith(mark(id)).length >= 3);
}

const family = 'fake_family = True\nfake_wait_for = "/nowhere/at/all"\n';

describe('when Pungi fails', () => {
  it('the compose says why in its words, without paths of this machine, and keeps all its logs', async () => {
    const { id, ended } = compose('fake_errors = ["[FAIL] Gather (variant Server)", "Extended traceback in: /x", "No such file: %s"]\nfake_exit = 1\n');
    expect(await failureOf(ended)).toMatchObject({ code: 'unresolvable', message: 'Pungi ended with exit code 1: [FAIL] Gather (variant Server)\nNo such file: %s' });
    expect(filesBelow(scratch().path(id))).toEqual(kept);
    expect(existsSync(staging(id))).toBe(false);
    expect(readFileSync(scratch().path(id, 'pungi-stderr.log'), 'utf8')).toMatch(/\[ERROR {3}\] Compose failed: Pungi ended with exit code 1/);
    await scratch().engine.remove({ id, targetDir: 'default' });
    expect(existsSync(scratch().path(id))).toBe(false);
  });

  it('by itself, before it has a log, what it said last is told', async () => {
    const { ended } = compose('variants_file = "missing.xml"\n');
    expect(await failureOf(ended)).toMatchObject({ code: 'unresolvable', message: expect.stringMatching(/^Pungi ended with exit code 1: [^]*No such file or directory: '[^']*missing\.xml'$/) });
  });

  it('for want of space, that is told, and another attempt may do better', async () => {
    expect(await failureOf(compose('fake_errors = ["[Errno 28] No space left on device"]\nfake_exit = 1\n').ended)).toMatchObject({ code: 'storage-full' });
  });

  it('because a signal ended it, it was the machine', async () => {
    expect(await failureOf(compose('fake_signal = 9\n').ended)).toMatchObject({ code: 'internal', message: expect.stringContaining('Pungi was ended by SIGKILL') });
  });

  it('and is made again, its logs go on where they ended', async () => {
    const { id, ended } = compose('fake_errors = ["first"]\nfake_exit = 1\n');
    await failureOf(ended);
    const commit = kitchen().commit('kitchen.conf', rawConfig());
    await scratch().compose(id, rawRequest({ source: [`kitchen#${commit}`] }));
    expect(readFileSync(scratch().path(id, 'pungi-stderr.log'), 'utf8')).toMatch(/first\n[^]*Compose failed[^]*Compose finished: 0 packages/);
    expect(readFileSync(scratch().path(id, 'logs/global/pungi.global.log'), 'utf8')).not.toContain('first');
  });
});

describe('what Pungi leaves', () => {
  it.each([
    ['fake_hostile = "fifo"', 'compose/metadata/fifo of the compose is neither a file nor a directory'],
    ['fake_hostile = "linked compose"', 'compose of the compose is no directory'],
    ['fake_status = "DOOMED"', 'with the status "DOOMED", which is not finished'],
  ])('is no compose with %s', async (config, message) => {
    const { id, ended } = compose(`${config}\n`);
    expect(await failureOf(ended)).toMatchObject({ code: 'source-invalid', message: expect.stringContaining(message) });
    expect(filesBelow(scratch().path(id)).filter((file) => !file.startsWith('logs/'))).toEqual(logs);
    expect(existsSync(staging(id))).toBe(false);
  });

  it('is not written through a link to the directory of another', async () => {
    const elsewhere = path.join(kitchen().folder, 'elsewhere');
    const { ended } = compose(`fake_hostile = "linked work"\nfake_elsewhere = ${JSON.stringify(elsewhere)}\n`);
    expect(await failureOf(ended)).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('work/global of the compose is no directory') });
    expect(filesBelow(elsewhere)).toEqual(['composeinfo-base.json']);
  });

  it('may have links wherever they lead: nothing is written through them, and they stay links', async () => {
    const { id, ended } = compose('fake_hostile = "links"\n');
    await ended;
    for (const name of ['outside', 'dangling', 'inside']) expect(lstatSync(scratch().path(id, 'compose', name)).isSymbolicLink()).toBe(true);
    expect(lstatSync(scratch().path(id, 'work/global/plan.json')).isFile()).toBe(true);
    expect(existsSync(scratch().path(id, 'overwritten'))).toBe(false);
  });

  it('may be incomplete where its configuration allows that', async () => {
    const { id, ended } = compose('fake_status = "FINISHED_INCOMPLETE"\n');
    await ended;
    expect(readFileSync(scratch().path(id, 'STATUS'), 'utf8')).toBe('FINISHED_INCOMPLETE');
  });
});

describe('a Pungi that runs', () => {
  it('is watched by its log, while nothing else of the compose is to be seen', async () => {
    const gate = path.join(kitchen().folder, `gate-${next}`);
    const steps: string[] = [];
    const { id, ended } = compose(`fake_wait_for = ${JSON.stringify(gate)}\n`, { onProgress: ({ step }) => steps.push(step) });
    const log = scratch().path(id, 'pungi-stderr.log');
    await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('waiting'));
    const before = statSync(log).size;
    await until(() => statSync(log).size > before);
    expect(filesBelow(scratch().path(id))).toEqual(logs);
    writeFileSync(gate, '');
    await ended;
    expect(new Set(steps)).toEqual(new Set(['pin', 'write', 'publish']));
  });

  it('ends with everything that it has started when the compose is cancelled', async () => {
    const stop = new AbortController();
    const { id, ended } = compose(family, { signal: stop.signal });
    await familyOf(id);
    stop.abort(new Error('cancelled by ada'));
    expect((await failureOf(ended)).message).toBe('cancelled by ada');
    expect(processesWith(mark(id))).toEqual([]);
    expect(filesBelow(scratch().path(id))).toEqual(kept);
    expect(existsSync(staging(id))).toBe(false);
    expect(readFileSync(scratch().path(id, 'pungi-stderr.log'), 'utf8')).toMatch(/\[ERROR {3}\] Compose stopped: cancelled by ada\n$/);
  });

  it('ends when another attempt takes over, which makes the compose', async () => {
    const { id, ended } = compose(family);
    const first = failureOf(ended);
    await familyOf(id);
    const commit = kitchen().commit('kitchen.conf', rawConfig());
    await scratch().compose(id, rawRequest({ source: [`kitchen#${commit}`] }));
    expect(await first).toMatchObject({ code: expect.stringMatching(/^(resources-in-use|internal|storage-full|unresolvable)$/) });
    expect(processesWith(mark(id))).toEqual([]);
    expect(readFileSync(scratch().path(id, 'STATUS'), 'utf8')).toBe('FINISHED');
    expect(existsSync(staging(id))).toBe(false);
  });

  it('is not started where it is not installed, and nothing else is', async () => {
    const bin = path.join(kitchen().folder, 'half');
    mkdirSync(bin);
    symlinkSync(path.join(kitchen().folder, 'bin', 'pungi-config-dump'), path.join(bin, 'pungi-config-dump'));
    await using without = await kitchen().engine({ searchPath: `${bin}:/usr/bin:/bin` });
    expect(await failureOf(without.compose(1, rawRequest()))).toMatchObject({ code: 'tool-not-found', message: 'pungi-koji is not on this worker, which has been asked to run it' });
  });
});
