import { describe, expect, it } from '@jest/globals';
import type { ComposeRequest } from '../compose/compose-request.js';
import { sourceTypes, type SourceType } from '../compose/compose-vocabulary.js';
import { composeRequest } from '../testing/compose-request.js';
import { checkRequest } from './check-request.js';

const check = (change: Partial<ComposeRequest>, tools: readonly string[] = ['xorriso'], hasKoji = false, moduleBuildService?: string): string => {
  try {
    checkRequest(composeRequest({ source: ['https://repository.example/os'], ...change }), { composes: '/composes', composeUrl: 'http://composes.example', composeTargetDirs: { private: '/private' }, koji: hasKoji ? { hub: 'https://koji.example/kojihub', top: '/mnt/koji' } : undefined, moduleBuildService, pulpFile: undefined, pungiFile: undefined, hasTool: (name) => tools.includes(name) });
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid-request' });
    return (error as Error).message;
  }
};

describe('a request', () => {
  it.each(Object.keys(sourceTypes) as SourceType[])('of source type %s is taken or refused with what is missing', (sourceType) => {
    const message = check({ sourceType, source: ['https://repository.example/compose/Server'] });
    if (sourceType === 'repo' || sourceType === 'pungi_compose') expect(message).toBe('');
    else expect(message).toMatch(new RegExp(`^composes of source type ${sourceType} need .+, which this service does not have; it has`));
  });

  it.each<[string, Partial<ComposeRequest>, string]>([
    ['no source', { source: [] }, 'needs a source'],
    ['several Pungi composes', { sourceType: 'pungi_compose', source: ['https://a.example/V', 'https://b.example/V'] }, 'takes one URL'],
    ['a Pungi compose without variant', { sourceType: 'pungi_compose', source: ['https:///'] }, 'neither'],
    ['another scheme', { source: ['ftp://repository.example/os'] }, 'ftp://repository.example/os is neither an http(s) or file URL nor an absolute path'],
    ['a relative lookaside', { lookasideRepos: ['os'] }, 'os is neither'],
    ['repositories without end', { source: Array.from({ length: 600 }, (_, each) => `https://repository.example/${each}/$basearch/os`), arches: ['x86_64', 'aarch64'] }, 'source and lookaside_repos name 1200 repositories for these architectures; 1000 are the most that one compose takes'],
    ['unknown architectures', { arches: ['x86_64', 'z80', 'noarch'] }, 'unknown architectures: z80, noarch'],
    ['multilib beyond the architectures', { multilibArches: ['ppc64le'] }, 'multilib_arches has what arches has not: ppc64le'],
    ['no architecture', { arches: [] }, 'no architecture is asked for'],
    ['boot.iso', { results: ['repository', 'boot.iso'] }, 'the result boot.iso needs lorax, which is not installed where composes are made'],
    ['an unknown target directory', { targetDir: 'elsewhere' }, 'there is no target directory "elsewhere"'],
  ])('with %s is refused', (_name, change, message) => {
    expect(check(change)).toContain(message);
  });

  it('for an image is refused where its tool is not installed, with everything else that is wrong', () => {
    expect(check({ results: ['repository', 'iso'] })).toBe('');
    expect(check({ results: ['repository', 'iso'], arches: ['z80'] }, [])).toBe('unknown architectures: z80; the result iso needs xorriso, which is not installed where composes are made');
  });

  it.each<[string, Partial<ComposeRequest>, string]>([
    ['a tag', { sourceType: 'tag', source: ['f1'] }, ''],
    ['a tag with builds on top', { sourceType: 'tag', source: ['f1'], builds: ['lid-1-1'] }, ''],
    ['builds', { sourceType: 'build', source: [], builds: ['lid-1-1'] }, ''],
    ['two tags', { sourceType: 'tag', source: ['f1', 'f2'] }, 'source type tag takes the name of one Koji tag'],
    ['builds of none', { sourceType: 'build', source: [] }, 'source type build needs builds: name-version-release of each'],
    ['builds with a source', { sourceType: 'build', source: ['f1'], builds: ['lid-1-1'] }, 'source type build takes an empty source: builds has their names'],
    ['very many builds', { sourceType: 'build', builds: Array.from({ length: 5001 }, (_, index) => `lid-1-${index}`), source: [] }, 'builds names 5001 builds; 5000 are the most that one compose takes'],
    ['scratch builds', { sourceType: 'tag', source: ['f1'], scratchBuildTasks: ['12'] }, ''],
    ['scratch builds alone', { sourceType: 'build', source: [], scratchBuildTasks: ['12'] }, ''],
    ['tasks that are none', { sourceType: 'tag', source: ['f1'], scratchBuildTasks: ['12', 'x'] }, 'scratch_build_tasks are ids of tasks, and not x'],
    ['modular tags', { sourceType: 'tag', source: ['f1'], modularKojiTags: ['m1'] }, ''],
    ['modules of modular tags', { sourceType: 'tag', source: ['f1'], modularKojiTags: ['m1'], modules: ['mill:1'] }, ''],
    ['modules of no tags', { sourceType: 'tag', source: ['f1'], modules: ['mill:1'] }, 'modules picks from the modules in modular_koji_tags, which names no tag'],
    ['modules with builds', { sourceType: 'build', source: [], builds: ['lid-1-1'], modularKojiTags: ['m1'] }, 'modules are for the source types tag and module'],
    ['modules in tags', { sourceType: 'module', source: ['mill:1'], modularKojiTags: ['m1'] }, ''],
    ['modules of no service', { sourceType: 'module', source: ['mill:1'] }, 'modules are looked for in a module build service (MILLRACE_MBS_URL), which this service does not have; modular_koji_tags name Koji tags to look in instead'],
    ['scratch modules of no service', { sourceType: 'module', source: [], scratchModules: ['mill:1:2:c'] }, 'scratch_modules are looked for in a module build service (MILLRACE_MBS_URL), which this service does not have'],
    ['a relative lookaside', { sourceType: 'tag', source: ['f1'], lookasideRepos: ['os'] }, 'os is neither an http(s) or file URL nor an absolute path'],
  ])('of %s is judged where there is a Koji hub', (_name, change, message) => {
    expect(check(change, [], true)).toBe(message);
  });

  it.each<[string, Partial<ComposeRequest>, string]>([
    ['streams, versions and builds', { source: ['mill:1', 'mill:2:3', 'race:a:1:c'] }, ''],
    ['scratch builds only', { source: [], scratchModules: ['mill:1:2:c'] }, ''],
    ['nothing', { source: [] }, 'source type module needs a source: modules as name:stream, name:stream:version or name:stream:version:context'],
    ['names that are none', { source: ['mill', 'mill:../x'] }, '"mill" is no module: it is named as name:stream, name:stream:version or name:stream:version:context; "mill:../x" is no module: it is named as name:stream, name:stream:version or name:stream:version:context'],
    ['base modules', { source: ['platform:el8', 'bootstrap:el8'] }, 'platform is a base module: there are no packages of it to compose; bootstrap is a base module: there are no packages of it to compose'],
    ['scratch builds without a context', { source: [], scratchModules: ['mill:1:2'] }, '"mill:1:2" is no module: it is named as name:stream:version:context'],
    ['packages', { source: ['mill:1'], packages: ['wheel'] }, 'packages cannot be named with source type module: a module has the packages that it has'],
    ['builds and modules besides', { source: ['mill:1'], builds: ['lid-1-1'], modules: ['race:2'] }, 'builds and scratch_build_tasks cannot be named with source type module; modules are for source type tag; with source type module, source names them'],
    ['defaults of no address', { source: ['mill:1'], moduleDefaults: { url: 'git@git.example:defaults', commit: 'main' } }, 'git@git.example:defaults is neither an http(s) or file URL nor an absolute path'],
    ['tags without end', { source: ['mill:1'], modularKojiTags: Array.from({ length: 101 }, (_, index) => `m${index}`) }, 'modular_koji_tags names 101 tags; 100 are the most that one compose takes'],
  ])('for modules with %s is judged', (_name, change, message) => {
    expect(check({ sourceType: 'module', ...change }, [], true, 'https://mbs.example/module-build-service')).toBe(message);
  });

  it('for ostree and private directories, of paths and file URLs is taken', () => {
    expect(check({ results: ['repository', 'ostree'], targetDir: 'private', source: ['/srv/repository', 'file:///srv/other'] })).toBe('');
  });
});
