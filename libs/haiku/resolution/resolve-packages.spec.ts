import { describe, expect, it } from '@jest/globals';
import { operators, type Operator, type Provided, type Requirement } from '../package/package-info.js';
import { parseVersion, type PackageVersion } from '../package/version.js';
import { matches } from './matches.js';
import { formatRequirement, indexProviders, resolvePackages } from './resolve-packages.js';

interface Item {
  readonly name: string;
  readonly version: PackageVersion;
  readonly provides: readonly Provided[];
  readonly requires: readonly Requirement[];
}

/** `cmd:foo = 1.2 (compatible >= 1)` */
function provided(text: string): Provided {
  const [, name = '', version, compatible] = /^(\S+)(?: = (\S+))?(?: \(compatible >= (\S+)\))?$/.exec(text) ?? [];
  return { name, version: version === undefined ? null : parseVersion(version), compatible: compatible === undefined ? null : parseVersion(compatible) };
}

/** `haiku >= r1~beta5` */
function required(text: string): Requirement {
  const [name = '', operator, version = ''] = text.split(' ');
  return { name, version: operator === undefined ? null : { operator: operators.find((each) => each === operator) as Operator, than: parseVersion(version) } };
}

function item(name: string, version: string, { provides = [], requires = [] }: { readonly provides?: readonly string[]; readonly requires?: readonly string[] } = {}): Item {
  return { name, version: parseVersion(version), provides: [`${name} = ${version}`, ...provides].map(provided), requires: requires.map(required) };
}

const self = (each: Item): Item => each;

describe('a requirement', () => {
  it.each([
    ['foo', 'foo', true],
    ['foo', 'foo = 1.2', true],
    ['foo >= 1', 'foo', false],
    ['foo >= 1.2', 'foo = 1.2-3', true],
    ['foo >= 1.3', 'foo = 1.2', false],
    ['foo > 1.2', 'foo = 1.2-3', false],
    ['foo > 1.2-2', 'foo = 1.2-3', true],
    ['foo == 1.2', 'foo = 1.2-3', true],
    ['foo == 1.2-2', 'foo = 1.2-3', false],
    ['foo != 1.2', 'foo = 1.3', true],
    ['foo < 2', 'foo = 1.9', true],
    ['foo <= 1.9', 'foo = 1.9-1', true],
    ['haiku >= r1~beta5', 'haiku = r1~beta5_hrev57937_129-1', true],
    ['haiku >= r1~beta5', 'haiku = r1~beta4', false],
    ['lib:libz >= 1.2.3', 'lib:libz = 1.3.1 (compatible >= 1)', true],
    ['lib:libz >= 1.2.3', 'lib:libz = 2.0 (compatible >= 2)', false],
    ['lib:libz == 1', 'lib:libz = 1.3.1 (compatible >= 1)', false],
  ])('%s is met by %s: %s', (wanted, offered, met) => {
    expect(matches(required(wanted), provided(offered))).toBe(met);
    expect(formatRequirement(required(wanted))).toBe(wanted);
  });
});

describe('what a build takes in', () => {
  it('is all that its packages need, once each, loops included', () => {
    const packages = [
      item('app', '1.0-1', { requires: ['lib:libone', 'cmd:tool >= 2'] }),
      item('one', '1.0-1', { provides: ['lib:libone = 1.0'], requires: ['two'] }),
      item('two', '1.0-1', { requires: ['one', 'app'] }),
      item('tool', '2.1-1', { provides: ['cmd:tool = 2.1'] }),
      item('tool_old', '1.9-1', { provides: ['cmd:tool = 1.9'] }),
      item('stranger', '1.0-1'),
    ];
    const { packages: taken, unresolved } = resolvePackages(packages.slice(0, 1), indexProviders(packages, self), self);
    expect(taken.map(({ name }) => name)).toEqual(['app', 'one', 'tool', 'two']);
    expect(unresolved).toEqual([]);
  });

  it('names whoever needs what nothing provides', () => {
    const packages = [item('app', '1.0-1', { requires: ['lib:libone >= 3', 'nothing'] }), item('one', '1.0-1', { provides: ['lib:libone = 1.0'] })];
    const { packages: taken, unresolved } = resolvePackages(packages.slice(0, 1), indexProviders(packages, self), self);
    expect(taken).toHaveLength(1);
    expect(unresolved.map(({ package: { name }, requirement }) => `${name}: ${formatRequirement(requirement)}`)).toEqual(['app: lib:libone >= 3', 'app: nothing']);
  });

  it('prefers the package of that name, then the highest version, whatever their order', () => {
    const packages = [item('fork', '9.0-1', { provides: ['kettle = 9.0'] }), item('kettle', '1.0-1'), item('kettle', '1.10-1'), item('kettle', '1.9-1')];
    for (const order of [packages, packages.toReversed()]) expect(indexProviders(order, self).find(required('kettle'))).toBe(packages[2]);
    expect(indexProviders(packages, self).find(required('kettle >= 2'))).toBe(packages[0]);
  });
});
