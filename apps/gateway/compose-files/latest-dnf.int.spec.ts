import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildPackages, indexPackages } from '../../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { scratchEngine, type ScratchEngine } from '../../../libs/compose-engine/__fixtures__/scratch-engine.js';
import { createComposeNames } from '../../../libs/compose-names/create-compose-names.js';
import type { ComposeNames } from '../../../libs/compose-names/compose-names.js';
import { recordedComposes } from '../../../libs/compose-record/__fixtures__/recorded-composes.js';
import { choosePort } from '../../../libs/embedded/free-port.js';
import { MemoryComposes } from '../__fixtures__/memory-composes.js';
import { startTestGateway, type TestGateway } from '../__fixtures__/test-gateway.js';

const run = promisify(execFile);
const composes = recordedComposes();
const root = mkdtempSync(path.join(tmpdir(), 'millrace-latest-dnf-'));
let scratch: ScratchEngine;
let gateway: TestGateway;
let names: ComposeNames;
let ids: readonly number[];

/** Two composes: of one package each has another version, of the other another content under the very same name. */
beforeAll(async () => {
  scratch = await scratchEngine();
  ids = [await composes.done(), await composes.done()];
  for (const [index, id] of ids.entries()) {
    const source = path.join(scratch.sources, `${id}`);
    buildPackages(source, [{ name: 'kettle', version: `${index + 1}.0`, arch: 'noarch', text: `kettle of ${id}` }, { name: 'lid', arch: 'noarch', text: `lid of ${id}` }]);
    indexPackages(source);
    await scratch.compose(id, { source: [source], packages: [] });
  }
  const port = await choosePort('127.0.0.1');
  names = createComposeNames(composes.database(), { composeUrl: 'http://unused.test', graceSeconds: 7200 });
  const dependencies = { ...new MemoryComposes().dependencies(), reads: composes.reads(), names };
  gateway = await startTestGateway({ dependencies: { composes: dependencies }, environment: { MILLRACE_HOST: '127.0.0.1', MILLRACE_CONTROL_PORT: String(port), MILLRACE_COMPOSES: scratch.settings.composes } });
  await move();
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await scratch[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

let moves = 0;
async function move(): Promise<void> {
  await names.promote('nightly', ids[moves % 2] ?? 0, { by: 'ann', force: true });
  moves += 1;
}

/** A root of its own, with nothing of this machine but the program. Answers the texts of what it installed. */
async function install(number: string, repo: string, ...packages: readonly string[]): Promise<readonly string[]> {
  const own = path.join(root, number);
  for (const folder of ['repos', 'cache', 'log', 'persist', 'vars', 'root']) mkdirSync(path.join(own, folder), { recursive: true });
  writeFileSync(path.join(own, 'repos/nightly.repo'), repo);
  const places = [`reposdir=${own}/repos`, `cachedir=${own}/cache`, `logdir=${own}/log`, `persistdir=${own}/persist`, `varsdir=${own}/vars`];
  await run('dnf', ['-y', '-q', '--disableplugin=*', ...places.map((place) => `--setopt=${place}`), `--installroot=${own}/root`, '--releasever=1', '--forcearch=x86_64', 'install', ...packages]);
  return packages.map((name) => readFileSync(path.join(own, 'root/usr/share/millrace', `${name}.txt`), 'utf8').trim());
}

/** Lets the name move all the time while the work goes on, fifty times at least. */
async function whileMoving(work: () => Promise<void>): Promise<void> {
  const before = moves;
  let working = true;
  const mover = (async () => {
    while (working || moves < before + 50) {
      await move();
      await pause(5);
    }
  })();
  try {
    await work();
  } finally {
    working = false;
    await mover;
  }
}

const repoFile = async (): Promise<string> => (await fetch(`${gateway.url}/composes/latest/nightly.repo`)).text();

describe('dnf, while the name moves all the time', () => {
  it('installs packages of one compose, by the .repo file of the name', async () => {
    const repo = await repoFile();
    await whileMoving(async () => {
      for (let round = 1; round <= 3; round += 1) {
        const [kettle = '', lid = ''] = await install(`repo-${round}`, repo, 'kettle', 'lid');
        const id = /\d+$/.exec(kettle)?.[0];
        expect([kettle, lid]).toEqual([`kettle of ${id}`, `lid of ${id}`]);
      }
    });
  }, 60_000);

  it('finds the metadata and the packages of what it has begun to read, by the address of the name alone', async () => {
    const repo = (await repoFile()).replaceAll(/^mirrorlist=.*\n/gm, '');
    expect(repo).toContain(`baseurl=http://127.0.0.1:${gateway.port}/composes/latest/nightly/`);
    await whileMoving(async () => {
      for (let round = 1; round <= 3; round += 1) expect((await install(`base-${round}`, repo, 'kettle')).join()).toMatch(/^kettle of \d+$/);
    });
  }, 60_000);
});
