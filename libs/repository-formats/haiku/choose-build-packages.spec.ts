import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalFileName } from '../../haiku/package/package-info.js';
import { matches } from '../../haiku/resolution/matches.js';
import { madeInfo, required, type MadePackage } from '../../testing/haiku/make-haiku-package.js';
import type { BuilderChoice, OfferedPackage } from '../builder-request.js';
import { chooseForBuilder } from './choose-build-packages.js';
import { writeMetadata } from './package-metadata.js';

const keyOf = (made: MadePackage): string => canonicalFileName(madeInfo(made));

async function* described(packages: readonly MadePackage[]): AsyncGenerator<OfferedPackage<{ readonly key: string }>> {
  yield* packages.map((made) => ({ listed: { key: keyOf(made) }, metadata: writeMetadata({ info: madeInfo(made), checksum: 'ab'.repeat(32) }, []) }));
}

function choose(wanted: readonly string[], packages: readonly MadePackage[], { system = [], present }: { readonly system?: readonly MadePackage[]; readonly present?: readonly string[] } = {}): Promise<BuilderChoice> {
  return chooseForBuilder({ wanted, packages: described(packages), systemPackages: described(system), ...(present === undefined ? {} : { present }) });
}

const system = [
  { name: 'haiku', version: 'r1~beta5_hrev57937_129-1', provides: ['lib:libroot = r1~beta5'] },
  { name: 'haiku_devel', version: 'r1~beta5_hrev57937_129-1', requires: ['haiku == r1~beta5_hrev57937_129-1'] },
  { name: 'zlib', version: '9.9-1', provides: ['lib:libz = 9.9 (compatible >= 1)'] },
];
const repository = [
  { name: 'gcc', version: '13.3.0-4', provides: ['cmd:gcc = 13.3.0 (compatible >= 13)'], requires: ['haiku >= r1~beta5', 'lib:libz >= 1.2', 'binutils'] },
  { name: 'zlib', version: '1.3.1-2', provides: ['lib:libz = 1.3.1 (compatible >= 1)'], requires: ['haiku >= r1~beta4'] },
  { name: 'zlib_ng', version: '2.1-1', provides: ['lib:libz = 1.3.2 (compatible >= 1)'], requires: ['cmd:lost'] },
  { name: 'binutils', version: '2.42-1', requires: ['lib:libz'] },
];
const haiku = 'haiku-r1~beta5_hrev57937_129-1-x86_64.hpkg';

describe('what a build takes in', () => {
  it('is all that it needs of both repositories, the own one first, without what cannot be installed', async () => {
    expect(await choose(['cmd:gcc >= 13', 'haiku_devel'], repository, { system })).toEqual({
      chosen: ['gcc-13.3.0-4-x86_64.hpkg', 'haiku_devel-r1~beta5_hrev57937_129-1-x86_64.hpkg', haiku, 'zlib-1.3.1-2-x86_64.hpkg', 'binutils-2.42-1-x86_64.hpkg'],
      unresolved: [],
    });
  });

  it('is refused where packages were made to provide and need everything of each other: nothing else would be done here for hours', async () => {
    const versions = Array.from({ length: 150 }, (_, index) => index + 1);
    const entangled = Array.from({ length: 200 }, (_, index) => ({ name: `p${index}`, version: '1-1', provides: versions.map((version) => `x = ${version}`), requires: versions.map((version) => `x == ${version}.${index}`) }));
    await expect(choose(['x'], entangled)).rejects.toMatchObject({ code: 'unresolvable', message: expect.stringContaining('the last of 30000 that provide x') });
  });

  it('is also named by the files of packages, with what they need', async () => {
    expect(await choose(['binutils-2.42-1-x86_64.hpkg', 'gone-1-1-any.hpkg'], repository, { system })).toEqual({
      chosen: ['binutils-2.42-1-x86_64.hpkg', 'zlib-1.3.1-2-x86_64.hpkg', haiku],
      unresolved: [{ requirement: 'gone-1-1-any.hpkg', reason: 'no repository lists it' }],
    });
  });

  it('leans on the system that the builder has when the service does not know it', async () => {
    expect(await choose(['lib:libz >= 1.3'], repository, { present: [haiku, 'not a package', 'odd-1..2-any.hpkg'] })).toEqual({ chosen: ['zlib-1.3.1-2-x86_64.hpkg', haiku], unresolved: [] });
    expect((await choose(['lib:libz >= 1.3'], repository)).unresolved).toContainEqual({ requirement: 'haiku >= r1~beta4', reason: 'zlib-1.3.1-2 needs it, and no package that can be installed provides it' });
  });

  it('is told from the inside out where it cannot be had, and still what else can', async () => {
    const broken = [
      { name: 'app', version: '1.0-1', requires: ['lib:liba', 'tool'] },
      { name: 'a', version: '1-1', provides: ['lib:liba = 1'], requires: ['lib:libb >= 2'] },
      { name: 'b', version: '1-1', provides: ['lib:libb = 1'] },
      { name: 'tool', version: '1-1' },
      { name: 'unrelated', version: '1-1', requires: ['lost'] },
    ];
    const why = 'no package that can be installed provides it';
    const inner = [
      { requirement: 'lib:libb >= 2', reason: `a-1-1 needs it, and ${why}` },
      { requirement: 'lib:liba', reason: `app-1.0-1 needs it, and ${why}` },
    ];
    expect(await choose(['app', 'tool', 'nothing > 1'], broken)).toEqual({ chosen: ['tool-1-1-x86_64.hpkg'], unresolved: [...inner, { requirement: 'app', reason: why }, { requirement: 'nothing > 1', reason: why }] });
    expect(await choose(['app-1.0-1-x86_64.hpkg'], broken)).toEqual({ chosen: ['app-1.0-1-x86_64.hpkg', 'tool-1-1-x86_64.hpkg'], unresolved: inner });
  });

  it.each(['', 'cmd:gcc >=', '>= 1', 'a b', 'a = 1', 'x >= ../1', 'x'.repeat(300)])('is not looked for by %j', async (wanted) => {
    await expect(choose([wanted], repository)).rejects.toMatchObject({ code: 'source-invalid' });
  });

  it('is closed, all needed, and there whenever any set of packages would do: as trying all sets shows, and as HaikuPorter resolves', async () => {
    await fc.assert(
      fc.asyncProperty(universe, fc.constantFrom('p0', 'p1', 'x', 'x >= 2', 'y == 1'), async (packages, wanted) => {
        const choice = await choose([wanted], packages);
        const { unresolved } = choice;
        const chosen = packages.filter((each) => choice.chosen.includes(keyOf(each)));
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

  it('is known of ten thousand packages that all lean on a missing one, without beginning again for each', async () => {
    const chain = Array.from({ length: 10_000 }, (_, at): MadePackage => ({ name: `p${at}`, version: '1-1', provides: ['any_of_them = 1'], requires: [`p${at + 1}`] }));
    const { chosen, unresolved } = await choose(['any_of_them >= 1'], chain);
    expect([chosen, unresolved.length, unresolved[0]?.requirement, unresolved.at(-1)?.requirement]).toEqual([[], 10_001, 'p10000', 'any_of_them >= 1']);
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
