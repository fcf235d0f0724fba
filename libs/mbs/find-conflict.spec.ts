import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findConflict } from './find-conflict.js';
import type { ModuleBuild } from './module-build.js';
import { moduleName, streamName } from './module-name.js';
import { resolveModules } from './resolve-modules.js';

const build = (name: string, stream: string, context: string, requires: ModuleBuild['requires']): ModuleBuild => ({ name, stream, version: '1', context, requires, builtFor: [], scratch: false });
const modules = ['a', 'b', 'c', 'd'];
const streams = ['1', '2'];

/** Every stream of a few modules, each in one or two contexts that require a few streams. */
const worlds = fc
  .array(fc.array(fc.array(fc.record({ name: fc.constantFrom(...modules), stream: fc.constantFrom(...streams) }), { maxLength: 3 }), { minLength: 1, maxLength: 2 }), { minLength: 8, maxLength: 8 })
  .map((all) => new Map<string, readonly ModuleBuild[]>(modules.flatMap((name, index) => streams.map((stream, other) => [`${name}:${stream}`, (all[index * 2 + other] ?? []).map((requires, context) => build(name, stream, `c${context}`, requires))] as const))));

/** Whether any choice of one stream and context for each module has the root and all that the chosen ones require. */
function canBeInstalled(root: ModuleBuild, world: ReadonlyMap<string, readonly ModuleBuild[]>): boolean {
  const choices = modules.filter((name) => name !== root.name).map((name): (ModuleBuild | undefined)[] => [undefined, ...streams.flatMap((stream) => world.get(`${name}:${stream}`) ?? [])]);
  const all = choices.reduce<(ModuleBuild | undefined)[][]>((sets, options) => sets.flatMap((set) => options.map((option) => [...set, option])), [[root]]);
  return all.some((set) => {
    const chosen = set.filter((each) => each !== undefined);
    return chosen.every(({ requires }) => requires.every((need) => chosen.some((other) => streamName(other) === streamName(need))));
  });
}

describe('the conflicts of modules', () => {
  it('are found where, and only where, no machine could have a build with what it requires', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        for (const root of [...world.values()].flat()) {
          const conflict = findConflict(root, world);
          if (conflict === undefined) expect(canBeInstalled(root, world)).toBe(true);
          else {
            expect(canBeInstalled(root, world)).toBe(false);
            for (const chain of conflict.chains) {
              expect(chain[0]).toBe(moduleName(root));
              expect(chain.at(-1)).toMatch(new RegExp(`^${conflict.name}:`));
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are not looked for for ever', () => {
    const world = new Map(Array.from({ length: 40 }, (_, index) => [`m${index}:1`, ['c0', 'c1'].map((context) => build(`m${index}`, '1', context, index < 39 ? [{ name: `m${index + 1}`, stream: '1' }] : [{ name: 'm0', stream: '2' }]))] as const));
    const root = build('root', '1', 'c', [{ name: 'm0', stream: '1' }]);
    expect(() => findConflict(root, world)).not.toThrow();
  });
});

describe('modules that all require all others', () => {
  it('take neither the time nor the memory of the process', () => {
    const names = Array.from({ length: 600 }, (_, index) => `m${index}`);
    const requires = names.map((name) => ({ name, stream: '1' }));
    const world = new Map(names.map((name) => [`${name}:1`, [build(name, '1', 'c', requires)]] as const));
    const roots = [...world.values()].flat();
    expect(roots.map((root) => findConflict(root, world))).toEqual(roots.map(() => undefined));
  }, 10_000);
});

describe('resolving modules', () => {
  it('ends with all that is required, each stream once, whatever requires whatever', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, fc.constantFrom(...modules), async (world, name) => {
        const asked: string[] = [];
        const find = (need: { readonly name: string; readonly stream: string }): Promise<readonly ModuleBuild[]> => {
          asked.push(streamName(need));
          return Promise.resolve(world.get(streamName(need)) ?? []);
        };
        const found = await resolveModules([{ name, stream: '1' }], { where: 'here', find, dependencies: true }).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('can be installed nowhere') });
          return undefined;
        });
        expect(new Set(asked).size).toBe(asked.length);
        const there = new Set(found?.map(streamName));
        for (const { requires } of found ?? []) for (const need of requires) expect(there).toContain(streamName(need));
      }),
      { numRuns: 60 },
    );
  });
});
