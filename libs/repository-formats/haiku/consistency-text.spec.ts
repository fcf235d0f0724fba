import { describe, expect, it } from '@jest/globals';
import type { Finding } from '../../repository-checks/finding.js';
import { reportText, repositoryConsistencyText } from './consistency-text.js';

const about = (name: string, version: string) => ({ key: `${name}-${version}-x86_64.hpkg`, name, version, architecture: 'x86_64' });
const findings: readonly Finding[] = [
  { kind: 'missing-object', path: 'packages/a-1-1-x86_64.hpkg', message: 'packages/a-1-1-x86_64.hpkg is not there' },
  { kind: 'missing-dependency', package: about('foo', '1.2.3-1'), expected: 'lib:libgone', message: 'foo needs it' },
  { kind: 'missing-dependency', package: about('bar', '2.0-2'), expected: 'lib:libgone', message: 'bar needs it' },
  { kind: 'version-conflict', package: about('foo', '1.2.3-1'), expected: 'haiku >= r1~beta6', found: 'haiku = r1~beta5', message: 'foo needs it' },
  { kind: 'missing-dependency', expected: 'lib:libgone', message: '31 more packages need "lib:libgone", which nothing provides' },
  { kind: 'foreign-object', path: 'x', message: 'x\nfoo-1.2.3-1-x86_64.hpkg:' },
];
const dependencies = `foo-1.2.3-1-x86_64.hpkg:
	requires "lib:libgone" of package "foo-1.2.3-1" could not be resolved
	requires "haiku >= r1~beta6" of package "foo-1.2.3-1" could not be resolved

bar-2.0-2-x86_64.hpkg:
	requires "lib:libgone" of package "bar-2.0-2" could not be resolved

31 more packages need "lib:libgone", which nothing provides
`;

describe('texts of the buildmaster', () => {
  it('repo_consistency.txt has what HaikuPorter prints of packages, below its first line', () => {
    expect(repositoryConsistencyText({ revision: '4711', findings })).toBe(`repo consistency report at 4711\n${dependencies}`);
    expect(repositoryConsistencyText({ revision: '4711', findings: [] })).toBe('repo consistency report at 4711\n');
  });

  it('report.txt says how the publish went, and all that was found, a line each', () => {
    expect(reportText({ published: ["added 'foo-1.2.3-1-x86_64.hpkg' ..."], findings })).toBe(
      `added 'foo-1.2.3-1-x86_64.hpkg' ...\n${dependencies}Warning: packages/a-1-1-x86_64.hpkg is not there\nWarning: x foo-1.2.3-1-x86_64.hpkg:\n`,
    );
  });
});
