import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { baseComposeInfo, claimComposeId, readRelease } from './compose-id.js';
import { linkCompose, linkNames, readTypeLink, unlinkCompose } from './type-links.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'millrace-names-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const release = (more: object = {}) => readRelease({ release_name: 'Fedora', release_short: 'Fedora', release_version: '41', ...more }, 'spec');
const claim = (owner: string, change: Partial<Parameters<typeof claimComposeId>[1]> = {}) => claimComposeId(path.join(root, 'ids'), { release: release(), type: 'nightly', date: '20261121', owner, ...change });

describe('the id of a compose of Pungi', () => {
  it.each([
    ['nightly', {}, 'Fedora-41-20261121.n.0'],
    ['production', {}, 'Fedora-41-20261121.0'],
    ['test', { release_type: 'Updates' }, 'Fedora-41-updates-20261121.t.0'],
    ['ci', { release_type: 'ga', base_product_name: 'Base', base_product_short: 'B', base_product_version: '9', base_product_type: 'eus' }, 'Fedora-41-B-9-eus-20261121.ci.0'],
  ] as const)('of type %s is as productmd makes it', async (type, more, id) => {
    expect((await claim('odcs-1', { type, release: release(more) })).id).toBe(id);
  });

  it('is nobody else’s, however many ask at once, and the same for the same compose', async () => {
    const ids = (await Promise.all(Array.from({ length: 20 }, (_, each) => claim(`odcs-${each}`)))).map(({ id }) => id);
    expect(new Set(ids).size).toBe(20);
    expect((await claim('odcs-7')).id).toBe(ids[7]);
    expect((await claim('odcs-21')).respin).toBe(20);
  });

  it('is remembered as long as its day may come again', async () => {
    await claim('odcs-1', { date: '20260101' });
    await claim('odcs-2', { date: '20261120' });
    await claim('odcs-3');
    expect(readdirSync(path.join(root, 'ids'))).toEqual(['20261120', '20261121']);
  });

  it.each([
    [{ release_short: 'a/b' }, 'release_short: must be of letters'],
    [{ release_version: '../1' }, 'release_version: must be of letters'],
    [{ release_version: 41 }, 'release_version'],
    [{ release_type: 'a/b' }, 'release_type'],
    [{ release_short: 'F'.repeat(100), release_version: '4'.repeat(100) }, 'a name of a compose with 201 characters'],
    [{ base_product_name: 'Base' }, 'not base_product_short and base_product_version'],
  ])('cannot be made of %j', (more, message) => {
    expect(() => release(more)).toThrow(message);
  });

  it('stands in composeinfo-base.json with its label', async () => {
    const { payload } = JSON.parse(baseComposeInfo(await claim('odcs-1', { type: 'production' }), 'RC-1.0'));
    expect(payload).toEqual({ compose: { date: '20261121', final: false, id: 'Fedora-41-20261121.0', label: 'RC-1.0', respin: 0, type: 'production' }, release: { internal: false, name: 'Fedora', short: 'Fedora', type: 'ga', version: '41' }, variants: {} });
  });
});

describe('the names of a compose', () => {
  const compose = (id: number, change: object = {}) => ({ id, composeType: 'nightly', pungiComposeId: `Fedora-41-20261121.n.${id}`, label: null, ...change });
  const make = (...ids: readonly number[]): void => ids.forEach((id) => mkdirSync(path.join(root, `odcs-${id}`)));
  const target = (name: string): string => readlinkSync(path.join(root, 'nightly', name));

  it('are those of ODCS', () => {
    expect(linkNames({ ...compose(1), label: 'RC-1.0' })).toEqual({ own: 'Fedora-41-20261121.n.1', latest: ['latest-Fedora-41', 'latest-Fedora-41-RC-1.0'] });
  });

  it('lead to the newest, in whatever order composes end, and to an older one only where the newer is gone', async () => {
    make(1, 2, 3);
    await linkCompose(root, compose(2));
    await linkCompose(root, compose(1));
    expect([target('latest-Fedora-41'), target('Fedora-41-20261121.n.1')]).toEqual(['../odcs-2', '../odcs-1']);
    await linkCompose(root, compose(3));
    expect(target('latest-Fedora-41')).toBe('../odcs-3');
    rmSync(path.join(root, 'odcs-3'), { recursive: true });
    await linkCompose(root, compose(2));
    expect(target('latest-Fedora-41')).toBe('../odcs-2');
    expect(await readTypeLink(root, 'nightly', 'latest-Fedora-41')).toBe(2);
  });

  it('lead to the newest of those that end at once', async () => {
    const ids = Array.from({ length: 30 }, (_, each) => 30 - each);
    make(...ids);
    await Promise.all(ids.map((id) => linkCompose(root, compose(id))));
    expect(target('latest-Fedora-41')).toBe('../odcs-30');
  });

  it('cannot be taken by another compose that calls itself the same', async () => {
    make(1, 2);
    await linkCompose(root, compose(1));
    await linkCompose(root, compose(2, { pungiComposeId: compose(1).pungiComposeId }));
    expect(target('Fedora-41-20261121.n.1')).toBe('../odcs-1');
    rmSync(path.join(root, 'odcs-1'), { recursive: true });
    await linkCompose(root, compose(2, { pungiComposeId: compose(1).pungiComposeId }));
    expect(target('Fedora-41-20261121.n.1')).toBe('../odcs-2');
  });

  it('are never missing while they change', async () => {
    make(...Array.from({ length: 30 }, (_, each) => each + 1));
    await linkCompose(root, compose(1));
    const missed: string[] = [];
    let ended = false;
    const watch = (async () => {
      while (!ended) {
        if (!existsSync(path.join(root, 'nightly', 'latest-Fedora-41'))) missed.push('missing');
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let id = 2; id <= 30; id += 1) await linkCompose(root, compose(id));
    ended = true;
    await watch;
    expect(missed).toEqual([]);
  });

  it('go with the compose, and nothing else goes', async () => {
    make(1, 2);
    await linkCompose(root, compose(1));
    await linkCompose(root, compose(2));
    symlinkSync('/etc', path.join(root, 'nightly', 'foreign'));
    await unlinkCompose(root, 1);
    expect(readdirSync(path.join(root, 'nightly')).sort()).toEqual(['Fedora-41-20261121.n.2', 'foreign', 'latest-Fedora-41']);
    await unlinkCompose(root, 2);
    await unlinkCompose(root, 3);
    expect(readdirSync(path.join(root, 'nightly'))).toEqual(['foreign']);
  });

  it('that lead elsewhere lead to no compose', async () => {
    mkdirSync(path.join(root, 'nightly'));
    for (const [name, place] of [['a', '/etc'], ['b', '../odcs-1/x'], ['c', '../../odcs-1'], ['d', '../odcs-01']] as const) symlinkSync(place, path.join(root, 'nightly', name));
    expect(await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => readTypeLink(root, 'nightly', name)))).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });
});
