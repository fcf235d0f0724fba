import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PinnedInputs } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { composeRequest, pinnedInputs } from './__fixtures__/composes.js';
import { inputsDigest } from './inputs-digest.js';

const base = composeRequest({ source: ['https://a.test', 'https://b.test'], lookasideRepos: ['https://l.test', 'https://m.test'], sigkeys: ['A', 'B'], packages: ['x', 'y', 'z'] });
const digest = (changes: Partial<ComposeRequest> = {}, inputs: Partial<PinnedInputs> = {}): string => inputsDigest(1, { ...pinnedInputs({ ...base, ...changes }), ...inputs });

describe('the digest of inputs', () => {
  it('is SHA-256 in lower-case hex', () => {
    expect(digest()).toMatch(/^[0-9a-f]{64}$/);
  });

  it('does not change with what does not change a byte', () => {
    const others: Partial<ComposeRequest>[] = [{ secondsToLive: 1 }, { kojiEvent: 12 }, { lookasideRepos: [...base.lookasideRepos].reverse() }];
    for (const changes of others) expect(digest(changes)).toBe(digest());
    expect(inputsDigest(2, pinnedInputs(base))).toBe(inputsDigest(1, pinnedInputs(base)));
  });

  it('does not depend on the order of packages', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1 }), fc.infiniteStream(fc.nat()), (packages, picks) => {
        const shuffled = packages.map((name) => ({ name, place: picks.next().value as number })).sort((a, b) => a.place - b.place).map(({ name }) => name);
        expect(digest({ packages: shuffled })).toBe(digest({ packages }));
      }),
    );
  });

  it.each<[string, Partial<ComposeRequest>]>([
    ['the label', { label: 'RC-1' }],
    ['the type', { composeType: 'nightly' }],
    ['packages', { packages: ['x', 'y'] }],
    ['the order of keys', { sigkeys: ['B', 'A'] }],
    ['unsigned packages being allowed', { sigkeys: ['A', 'B', ''] }],
    ['the order of sources', { source: [...base.source].reverse() }],
    ['architectures', { arches: ['x86_64', 's390x'] }],
    ['multilib', { multilibArches: ['x86_64'] }],
    ['the multilib method', { multilibMethods: ['devel'] }],
    ['flags', { flags: ['no_deps'] }],
    ['results', { results: ['repository', 'iso'] }],
    ['builds', { builds: ['a-1-1'] }],
    ['modules', { modules: ['a:1'] }],
    ['the directory', { targetDir: 'private' }],
    ['what it respins', { respinOf: 'odcs-1' }],
    ['its parents', { parentPungiComposeIds: ['odcs-1'] }],
    ['what it is pinned to', { pinnedPlan: 'e'.repeat(64) }],
    ['the type of the source', { sourceType: 'pungi_compose' }],
  ])('changes with %s', (_name, changes) => {
    expect(digest(changes)).not.toBe(digest());
  });

  it('changes with the content of the sources, unless the packages are pinned', () => {
    const other = pinnedInputs(base, 'e').sources;
    expect(digest({}, { sources: other })).not.toBe(digest());
    expect(digest({}, { kojiEvent: 3 })).not.toBe(digest());
    const pinnedPlan = 'e'.repeat(64);
    expect(digest({ pinnedPlan, packages: [] }, { sources: other })).toBe(digest({ pinnedPlan }));
  });

  it('is its own for who does not want to share', () => {
    const alone = pinnedInputs({ ...base, flags: ['no_reuse'] });
    expect(inputsDigest(1, alone)).not.toBe(inputsDigest(2, alone));
    expect(inputsDigest(1, alone)).toBe(inputsDigest(1, alone));
  });
});
