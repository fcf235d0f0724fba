import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AvailablePackage } from '../repository/available-package.js';
import { available, request, type Parts } from './__fixtures__/available.js';
import { packageLabel } from './dependency-text.js';
import { selectPackages } from './select-packages.js';
import type { SelectionRequest } from './selection.js';

const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const name = fc.constantFrom(...names);
const version = fc.constantFrom('1-1', '2-1', '1:1-1', '1~rc-1', '2^git-2');
const simple = fc.oneof(name, fc.tuple(name, fc.constantFrom('<', '<=', '=', '>=', '>'), fc.constantFrom('1', '2-1', '1:1')).map((parts) => parts.join(' ')));
const rich = fc.letrec<{ any: string; group: string }>((tie) => ({
  any: fc.oneof({ maxDepth: 2 }, simple, tie('group')),
  group: fc.oneof(
    fc.tuple(tie('any'), fc.constantFrom('and', 'or', 'if', 'unless'), tie('any')).map((parts) => `(${parts.join(' ')})`),
    fc.tuple(tie('any'), fc.constantFrom('if', 'unless'), tie('any'), tie('any')).map(([wanted, operator, condition, otherwise]) => `(${wanted} ${operator} ${condition} else ${otherwise})`),
    fc.tuple(simple, fc.constantFrom('with', 'without'), simple).map((parts) => `(${parts.join(' ')})`),
  ),
})).group;

const parts: fc.Arbitrary<Parts> = fc.record({
  requires: fc.array(fc.oneof(simple, simple, rich), { maxLength: 3 }),
  provides: fc.array(fc.oneof(name, fc.tuple(name, version).map(([provided, its]) => `${provided} = ${its}`)), { maxLength: 2 }),
  obsoletes: fc.array(simple, { maxLength: 1 }),
  source: name,
  repository: fc.constantFrom(0, 1),
});
const packages = fc.uniqueArray(
  fc.tuple(name, version, fc.constantFrom('x86_64', 'x86_64', 'noarch', 'i686'), parts).map(([its, evr, arch, more]) => available(`${its}-${evr}.${arch}`, more)),
  { maxLength: 14, selector: ({ location }) => location },
);
const request$ = fc.record({ wanted: fc.array(name, { minLength: 1, maxLength: 3 }), lookaside: fc.array(name.map((its) => available(`${its}-1-1.noarch`)), { maxLength: 1 }), multilib: fc.constantFrom([], ['all'] as const) });

const options = { numRuns: 300 };

describe('a selection', () => {
  it('with dependencies is closed: nothing is broken in it but what was told', async () => {
    await fc.assert(
      fc.asyncProperty(packages, request$, async (all, more) => {
        const gathered = await selectPackages(request(all, { ...more, dependencies: true }));
        const own = new Set(gathered.packages.map((one) => `${packageLabel(one)} ${one.repository}`));
        const { broken } = await selectPackages(request(all, { ...more, dependencies: true, checkDependencies: true }));
        expect(own.size).toBe(gathered.packages.length);
        expect(broken.filter(({ kind }) => kind === 'requires')).toEqual(gathered.broken);
      }),
      options,
    );
  });

  it('does not depend on the order of the input', async () => {
    await fc.assert(
      fc.asyncProperty(packages, request$, fc.infiniteStream(fc.nat(1000)), async (all, more, random) => {
        const asked: Partial<SelectionRequest> = { ...more, dependencies: true, checkDependencies: true };
        const shuffled = all.map((one) => [random.next().value, one] as const).sort(([left], [right]) => left - right).map(([, one]) => one);
        const [one, other] = [await selectPackages(request(all, asked)), await selectPackages(request(shuffled, asked))];
        expect(other).toEqual(one);
      }),
      options,
    );
  });

  it('does not break by one more package that only provides, where there are no conditions', async () => {
    const unconditional = packages.filter((all) => all.every(({ dependencies }) => dependencies.requires.every((required) => !/ (?:if|unless|without) /.test(required.name))));
    await fc.assert(
      fc.asyncProperty(unconditional, name, version, async (all, provided, its) => {
        const check = async (list: readonly AvailablePackage[]): Promise<readonly string[]> =>
          (await selectPackages(request(list, { checkDependencies: true }))).broken.map((one) => `${one.package} ${one.requirement}`);
        const [before, after] = [await check(all), await check([...all, available('provider-1-1.noarch', { provides: [`${provided} = ${its}`] })])];
        expect(before).toEqual(expect.arrayContaining([...after]));
      }),
      options,
    );
  });

  it('holds what is wanted, and nothing of the lookaside', async () => {
    await fc.assert(
      fc.asyncProperty(packages, request$, async (all, more) => {
        const selection = await selectPackages(request(all, { ...more, dependencies: true }));
        for (const wanted of more.wanted) expect(selection.packages.some((one) => one.name === wanted) || selection.missing.includes(wanted)).toBe(true);
        for (const one of selection.packages) expect(all).toContain(one);
      }),
      options,
    );
  });
});
