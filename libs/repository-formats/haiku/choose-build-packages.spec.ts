import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalFileName } from '../../haiku/package/package-info.js';
import { matches } from '../../haiku/resolution/matches.js';
import { madeInfo, required, type MadePackage } from '../../testing/haiku/make-haiku-package.js';
import { chooseForBuilder, indexBuildPackages, type BuilderRequest, type BuildIndex } from './choose-build-packages.js';
import { writeMetadata } from './package-metadata.js';

const keyOf = (made: MadePackage): string => canonicalFileName(madeInfo(made));

function index(...packages: readonly MadePackage[]): BuildIndex {
  return indexBuildPackages(packages.map((made) => ({ key: keyOf(made), metadata: writeMetadata({ info: madeInfo(made), checksum: 'ab'.repeat(32) }, []) })));
}

const asks = (wanted: readonly string[], has: Partial<BuilderRequest> = {}): BuilderRequest => ({ wanted, packages: [], systemPackages: [], ...has });

const system = index({ name: 'haiku', version: 'r1~beta5_hrev57937_129-1', provides: ['lib:libroot = r1~beta5'] }, { name: 'haiku_devel', version: 'r1~beta5_hrev57937_129-1', requires: ['haiku == r1~beta5_hrev57937_129-1'] });
const repository = index(
  { name: 'gcc', version: '13.3.0-4', provides: ['cmd:gcc = 13.3.0 (compatible >= 13)'], requires: ['haiku >= r1~beta5', 'lib:libz >= 1.2', 'binutils'] },
  { name: 'zlib', version: '1.3.1-2', provides: ['lib:libz = 1.3.1 (compatible >= 1)'], requires: ['haiku >= r1~beta4'] },
  { name: 'zlib_ng', version: '2.1-1', provides: ['lib:libz = 1.3.2 (compatible >= 1)'], requires: ['cmd:lost'] },
  { name: 'binutils', version: '2.42-1', requires: ['lib:libz'] },
);

describe('what a builder is sent', () => {
  it('is what its build needs, of both repositories, and nothing that it has in either folder', () => {
    const request = asks(['cmd:gcc >= 13', 'haiku_devel'], { packages: ['zlib-1.3.1-2-x86_64.hpkg', 'zlib-1.2-1-x86_64.hpkg'], systemPackages: ['haiku-r1~beta5_hrev57937_129-1-x86_64.hpkg', 'haiku-r1~beta4-1-x86_64.hpkg'] });
    expect(chooseForBuilder(request, { repository, system })).toEqual({
      fetch: [
        { key: 'gcc-13.3.0-4-x86_64.hpkg', from: 'repository' },
        { key: 'haiku_devel-r1~beta5_hrev57937_129-1-x86_64.hpkg', from: 'system' },
        { key: 'binutils-2.42-1-x86_64.hpkg', from: 'repository' },
      ],
      keep: ['zlib-1.3.1-2-x86_64.hpkg', 'haiku-r1~beta5_hrev57937_129-1-x86_64.hpkg'],
      drop: ['zlib-1.2-1-x86_64.hpkg', 'haiku-r1~beta4-1-x86_64.hpkg'],
      unresolved: [],
    });
  });

  it('is nothing the second time', () => {
    const first = chooseForBuilder(asks(['cmd:gcc', 'haiku_devel']), { repository, system });
    const packages = first.fetch.map(({ key }) => key);
    expect(chooseForBuilder(asks(['cmd:gcc', 'haiku_devel'], { packages }), { repository, system })).toEqual({ fetch: [], keep: packages, drop: [], unresolved: [] });
  });

  it('takes packages by the names of their files, with what they need', () => {
    const { fetch, unresolved } = chooseForBuilder(asks(['binutils-2.42-1-x86_64.hpkg', 'gone-1-1-any.hpkg']), { repository, system });
    expect(fetch.map(({ key }) => key)).toEqual(['binutils-2.42-1-x86_64.hpkg', 'zlib-1.3.1-2-x86_64.hpkg', 'haiku-r1~beta5_hrev57937_129-1-x86_64.hpkg']);
    expect(unresolved).toEqual([{ requirement: 'gone-1-1-any.hpkg', neededBy: null }]);
  });

  it('leaves the system to the builder when the service does not know it', () => {
    const has = { systemPackages: ['haiku-r1~beta5_hrev57937_129-1-x86_64.hpkg', 'not a package', 'odd-1..2-any.hpkg'] };
    const { fetch, keep, drop, unresolved } = chooseForBuilder(asks(['lib:libz >= 1.3'], has), { repository });
    expect([fetch.map(({ key }) => key), keep, drop, unresolved]).toEqual([['zlib-1.3.1-2-x86_64.hpkg'], has.systemPackages, [], []]);
  });

  it('says from the inside out why something cannot be had, and still what else can', () => {
    const broken = index({ name: 'app', version: '1.0-1', requires: ['lib:liba', 'tool'] }, { name: 'a', version: '1-1', provides: ['lib:liba = 1'], requires: ['lib:libb >= 2'] }, { name: 'b', version: '1-1', provides: ['lib:libb = 1'] }, { name: 'tool', version: '1-1' });
    expect(chooseForBuilder(asks(['app', 'tool', 'nothing > 1']), { repository: broken })).toEqual({
      fetch: [{ key: 'tool-1-1-x86_64.hpkg', from: 'repository' }],
      keep: [],
      drop: [],
      unresolved: [
        { requirement: 'lib:libb >= 2', neededBy: 'a-1-1' },
        { requirement: 'lib:liba', neededBy: 'app-1.0-1' },
        { requirement: 'app', neededBy: null },
        { requirement: 'nothing > 1', neededBy: null },
      ],
    });
    expect(chooseForBuilder(asks(['app-1.0-1-x86_64.hpkg']), { repository: broken }).unresolved).toContainEqual({ requirement: 'lib:liba', neededBy: 'app-1.0-1' });
  });

  it.each(['', 'cmd:gcc >=', '>= 1', 'a b', 'a = 1', 'x >= ../1', 'x'.repeat(300)])('refuses to look for %j', (wanted) => {
    expect(() => chooseForBuilder(asks([wanted]), { repository })).toThrow(expect.objectContaining({ code: 'source-invalid' }));
  });

  it('is closed, all needed, and there whenever any set of packages would do: as trying all sets shows, and as HaikuPorter resolves', () => {
    fc.assert(
      fc.property(universe, fc.constantFrom('p0', 'p1', 'x', 'x >= 2', 'y == 1'), (packages, wanted) => {
        const { fetch, unresolved } = chooseForBuilder(asks([wanted]), { repository: index(...packages) });
        const chosen = packages.filter((each) => fetch.some(({ key }) => key === keyOf(each)));
        const possible = subsets(packages).some((set) => isMet(wanted, set) && isClosed(set));
        expect(unresolved.length === 0).toBe(possible);
        expect(resolvesWithRestarts(wanted, packages)).toBe(possible);
        if (!possible) return expect(chosen).toEqual([]);
        expect(isMet(wanted, chosen) && isClosed(chosen)).toBe(true);
        for (const each of chosen) expect(isMet(wanted, [each]) || chosen.some((other) => other !== each && madeInfo(other).requires.some((need) => meets(each, need)))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('of ten thousand packages that all lean on a missing one is known without beginning again for each', () => {
    const chain = index(...Array.from({ length: 10_000 }, (_, at): MadePackage => ({ name: `p${at}`, version: '1-1', provides: ['any_of_them = 1'], requires: [`p${at + 1}`] })));
    const { fetch, unresolved } = chooseForBuilder(asks(['any_of_them >= 1']), { repository: chain });
    expect([fetch, unresolved.length, unresolved[0], unresolved.at(-1)]).toEqual([[], 10_001, { requirement: 'p10000', neededBy: 'p9999-1-1' }, { requirement: 'any_of_them >= 1', neededBy: null }]);
  });
});

const relation = fc.constantFrom('x', 'x >= 1', 'x >= 2', 'y', 'y == 1', 'z', 'p0', 'p1', 'p2', 'p3');
const offer = fc.constantFrom('x = 1', 'x = 2', 'x = 3 (compatible >= 2)', 'x', 'y = 1', 'y = 2', 'z');
const universe: fc.Arbitrary<MadePackage[]> = fc
  .array(fc.record({ provides: fc.array(offer, { maxLength: 2 }), requires: fc.array(relation, { maxLength: 3 }) }), { minLength: 1, maxLength: 6 })
  .map((list) => list.map((each, at) => ({ name: `p${at}`, version: `${at + 1}-1`, ...each })));

const meets = (made: MadePackage, need: ReturnType<typeof required>): boolean => madeInfo(made).provides.some((each) => each.name === need.name && matches(need, each));
const isMet = (need: string, set: readonly MadePackage[]): boolean => set.some((each) => meets(each, required(need)));
const isClosed = (set: readonly MadePackage[]): boolean => set.every((each) => (each.requires ?? []).every((need) => isMet(need, set)));
const subsets = (packages: readonly MadePackage[]): MadePackage[][] => Array.from({ length: 2 ** packages.length }, (_, bits) => packages.filter((_each, at) => (bits >> at) & 1));

/** As HaikuPorter does: the first that meets it; whoever needs what nobody provides provides nothing any more, and all begins again. */
function resolvesWithRestarts(wanted: string, packages: readonly MadePackage[]): boolean {
  const left = new Set(packages);
  for (;;) {
    const pending: string[] = [wanted];
    const seen = new Set<MadePackage>();
    let failed: MadePackage | 'wanted' | undefined;
    const owners = new Map<string, MadePackage>();
    for (const need of pending) {
      const found = [...left].find((each) => meets(each, required(need)));
      if (found === undefined) {
        failed = owners.get(need) ?? 'wanted';
        break;
      }
      if (seen.has(found)) continue;
      seen.add(found);
      for (const next of found.requires ?? []) {
        if (next === wanted || owners.has(next)) continue;
        owners.set(next, found);
        pending.push(next);
      }
    }
    if (failed === undefined) return true;
    if (failed === 'wanted') return false;
    left.delete(failed);
  }
}
