import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import type { TreePlaces } from './compose-layout.js';
import { discardAttempt, isLost, publishTree, readPublished, removeTree, stageTree, type StagedTree } from './tree-publication.js';

let root: string;
let places: TreePlaces;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'millrace-publication-'));
  places = { root, directory: path.join(root, 'odcs-7'), staging: path.join(root, '.staging/odcs-7'), url: 'http://composes.example/odcs-7' };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const generated = { plan: 'a'.repeat(64), packages: 1, bytes: 2, pungiComposeId: 'odcs-7-1-20261121.t.0' };
const visible = (): string[] => (existsSync(places.directory) ? filesBelow(places.directory) : []);
const whole = (text: string): void => {
  expect(visible()).toEqual(['COMPOSE_ID', 'STATUS', 'compose/one', 'compose/two', 'logs/log', 'pungi-stderr.log', 'work/global/generation.json']);
  expect(readFileSync(path.join(places.directory, 'compose/two'), 'utf8')).toBe(text);
};

/** Writes what a generation writes, and its log. */
function fill(staged: StagedTree, text: string): void {
  for (const file of ['compose/one', 'compose/two', 'logs/log', 'COMPOSE_ID', 'STATUS']) {
    mkdirSync(path.dirname(path.join(staged.directory, file)), { recursive: true });
    writeFileSync(path.join(staged.directory, file), text);
  }
  mkdirSync(path.join(staged.directory, 'work/global'), { recursive: true });
  writeFileSync(path.join(places.directory, 'pungi-stderr.log'), 'log\n', { flag: 'a' });
}

describe('publication', () => {
  it('shows nothing but logs before, and everything after', async () => {
    const staged = await stageTree(places);
    fill(staged, 'first');
    expect(visible()).toEqual(['pungi-stderr.log']);
    expect(await readPublished(places)).toBeUndefined();
    await publishTree(places, staged, { job: 'j', generated });
    whole('first');
    expect(await readPublished(places)).toEqual({ attempt: staged.attempt, job: 'j', generated });
    expect(existsSync(places.staging)).toBe(false);
  });

  it('of a later attempt replaces an earlier one as a whole and keeps its logs', async () => {
    const first = await stageTree(places);
    fill(first, 'first');
    await publishTree(places, first, { job: 'j', generated });
    const second = await stageTree(places);
    expect(visible()).toEqual(['pungi-stderr.log']);
    fill(second, 'second');
    await publishTree(places, second, { job: 'k', generated });
    whole('second');
    expect(readFileSync(path.join(places.directory, 'pungi-stderr.log'), 'utf8')).toBe('log\nlog\n');
  });

  it('is refused to an attempt that another has taken over from, which spoils nothing', async () => {
    const slow = await stageTree(places);
    fill(slow, 'slow');
    const quick = await stageTree(places);
    expect([await isLost(places, slow), await isLost(places, quick)]).toEqual([true, false]);
    expect((await failureOf(publishTree(places, slow, { job: 'j', generated }))).code).toBe('resources-in-use');
    fill(quick, 'quick');
    await discardAttempt(places, slow);
    await publishTree(places, quick, { job: 'j', generated });
    await discardAttempt(places, slow);
    whole('quick');
  });

  it('by two at once leaves one whole tree', async () => {
    const attempts = await Promise.all([stageTree(places), stageTree(places)]);
    const outcomes = await Promise.allSettled(
      attempts.map(async (staged, index) => {
        if (await isLost(places, staged)) throw new Error('lost');
        fill(staged, `attempt ${index}`);
        await publishTree(places, staged, { job: 'j', generated });
      }),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    whole(readFileSync(path.join(places.directory, 'COMPOSE_ID'), 'utf8'));
  });

  it.each(['compose', 'logs', 'COMPOSE_ID', 'work'])('that a crash cut off after %s is cleaned away by the next attempt', async (name) => {
    const order = ['work', 'logs', 'COMPOSE_ID', 'compose'];
    const crashed = await stageTree(places);
    fill(crashed, 'crashed');
    for (const part of order.slice(0, order.indexOf(name) + 1)) {
      mkdirSync(path.dirname(path.join(places.directory, part)), { recursive: true });
      rmSync(path.join(places.directory, part), { recursive: true, force: true });
      renameSync(path.join(crashed.directory, part), path.join(places.directory, part));
    }
    expect(await readPublished(places)).toBeUndefined();
    const next = await stageTree(places);
    expect(visible()).toEqual(['pungi-stderr.log']);
    fill(next, 'next');
    await publishTree(places, next, { job: 'j', generated });
    whole('next');
  });

  it('is undone when the generation was stopped just after it, as long as it is its own', async () => {
    const staged = await stageTree(places);
    fill(staged, 'first');
    await publishTree(places, staged, { job: 'j', generated });
    await discardAttempt(places, staged);
    expect(visible()).toEqual(['pungi-stderr.log']);
    expect(existsSync(places.staging)).toBe(false);
  });

  it('does not touch what links to the files elsewhere', async () => {
    const staged = await stageTree(places);
    fill(staged, 'first');
    linkSync(path.join(staged.directory, 'compose/one'), path.join(root, 'kept'));
    await publishTree(places, staged, { job: 'j', generated });
    await removeTree(places);
    expect(readFileSync(path.join(root, 'kept'), 'utf8')).toBe('first');
    expect(filesBelow(root)).toEqual(['kept']);
    await removeTree(places);
  });
});

describe('a tree with directories that are read-only', () => {
  /** Root may delete everything: as somebody else, who owns all of this. */
  async function asNobody(work: () => Promise<void>): Promise<void> {
    if (process.geteuid?.() !== 0) return work();
    chmodSync(root, 0o777);
    process.seteuid?.(65_534);
    try {
      await work();
    } finally {
      process.seteuid?.(0);
    }
  }

  function fillReadOnly(staged: StagedTree): void {
    fill(staged, 'whole');
    mkdirSync(path.join(staged.directory, 'compose/closed/deeper'), { recursive: true });
    writeFileSync(path.join(staged.directory, 'compose/closed/deeper/file'), '');
    for (const name of ['compose/closed/deeper', 'compose/closed']) chmodSync(path.join(staged.directory, name), 0o555);
  }

  it('is removed', () =>
    asNobody(async () => {
      const staged = await stageTree(places);
      fillReadOnly(staged);
      await publishTree(places, staged, { job: 'j', generated });
      await removeTree(places);
      expect([existsSync(places.directory), existsSync(places.staging)]).toEqual([false, false]);
    }));

  it('does not stand in the way of the next attempt', () =>
    asNobody(async () => {
      fillReadOnly(await stageTree(places));
      const next = await stageTree(places);
      fill(next, 'second');
      await publishTree(places, next, { job: 'j', generated });
      whole('second');
    }));
});
