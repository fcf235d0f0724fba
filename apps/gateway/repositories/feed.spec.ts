import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { problem } from '../openapi/error-schemas.js';
import { feed } from './feed-schemas.js';
import { parseRequirement } from './resolve-relations.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { MILLRACE_REPOSITORY_URL: 'https://farm.test/repositories' } });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  gateway.repositories.held.clear();
  for (const name of ['fedora', 'system']) await fetch(`${gateway.url}/v1/repositories`, { method: 'POST', headers: { authorization }, body: JSON.stringify({ name, kind: 'rpm' }) });
  gateway.repositories.publish('fedora', ['app-1.rpm', 'lib-1.rpm', 'lib-2.rpm', 'lone-1.rpm']);
  gateway.repositories.publish('system', ['libc-1.rpm']);
  describePackage('fedora', 'app-1.rpm', { provides: ['app'], requires: ['lib', 'libc', 'nobody-has-it'] });
  describePackage('fedora', 'lib-1.rpm', { provides: ['lib'] });
  describePackage('fedora', 'lib-2.rpm', { provides: ['lib'], requires: ['app'] });
  describePackage('fedora', 'lone-1.rpm', { provides: ['lone'] });
  describePackage('system', 'libc-1.rpm', { provides: ['libc'] });
});

function describePackage(repository: string, key: string, relations: object): void {
  const digest = gateway.repositories.held.get(repository)?.lists.flat().find((each) => each.key === key)?.sha256 ?? '';
  gateway.repositories.metadata.set(digest, Buffer.from(JSON.stringify(relations)));
}

async function ask(body: unknown, name = 'fedora') {
  const answer = await fetch(`${gateway.url}/v1/repositories/${name}/feed`, { method: 'POST', headers: { authorization }, body: JSON.stringify(body) });
  return (await answer.json());
}

describe('what a builder is fed', () => {
  it('is what the wanted packages need, out of both repositories, each by its address', async () => {
    const answer = feed.parse(await ask({ wanted: ['app'], systemRepository: 'system' }));
    expect(answer).toMatchObject({ state: 1, keep: [], drop: [], unresolved: [] });
    expect(answer.fetch.map(({ key, repository, url }) => [key, repository, url]).sort()).toEqual([
      ['app-1.rpm', 'fedora', 'https://farm.test/repositories/fedora/packages/app-1.rpm'],
      ['lib-1.rpm', 'fedora', 'https://farm.test/repositories/fedora/packages/lib-1.rpm'],
      ['libc-1.rpm', 'system', 'https://farm.test/repositories/system/packages/libc-1.rpm'],
    ]);
    expect(answer.fetch.every(({ sha256, size }) => /^[0-9a-f]{64}$/.test(sha256) && size > 0)).toBe(true);
  });

  it('leaves a builder its system packages when it names no repository that has them', async () => {
    const answer = feed.parse(await ask({ packages: ['gone-1.rpm'], systemPackages: ['libc-1.rpm'] }));
    expect([answer.keep, answer.drop]).toEqual([['libc-1.rpm'], ['gone-1.rpm']]);
  });

  it('is nothing that it has in either folder, and it drops what neither repository lists', async () => {
    const answer = feed.parse(await ask({ wanted: ['app'], packages: ['lib-1.rpm', 'gone-1.rpm', 'lone-1.rpm'], systemPackages: ['libc-1.rpm', 'old-system.rpm'], systemRepository: 'system' }));
    expect([answer.fetch.map(({ key }) => key), answer.keep, answer.drop]).toEqual([['app-1.rpm'], ['lib-1.rpm', 'libc-1.rpm', 'lone-1.rpm'], ['gone-1.rpm', 'old-system.rpm']]);
  });

  it('drops no system packages where they are from elsewhere', async () => {
    expect(feed.parse(await ask({ packages: ['gone-1.rpm'], systemPackages: ['glibc-9.rpm'] }))).toMatchObject({ keep: ['glibc-9.rpm'], drop: ['gone-1.rpm'] });
  });

  it('may be packages by their names alone, which its package manager resolves', async () => {
    expect(feed.parse(await ask({ wanted: ['app-1.rpm', 'lone-1.rpm', 'lone-1.rpm'] })).fetch.map(({ key }) => key)).toEqual(['app-1.rpm', 'lone-1.rpm']);
  });

  it('leaves out what cannot be, with the reason', async () => {
    expect(feed.parse(await ask({ wanted: ['nothing', 'lone', 'a b c'] }))).toMatchObject({ fetch: [{ key: 'lone-1.rpm' }], unresolved: [{ requirement: 'nothing', reason: 'nothing in the repository meets it' }, { requirement: 'a b c', reason: expect.stringContaining('neither a requirement') }] });
  });

  it('is resolved in the words of its kind where that has some', async () => {
    const asked: unknown[] = [];
    const dependencies = gateway.repositories.dependencies();
    const other = await startTestGateway({
      dependencies: {
        repositories: {
          ...dependencies,
          resolvers: new Map([['rpm', async ({ wanted, packages, present }) => {
            if (wanted.includes('=')) throw new MillraceError('source-invalid', 'no requirement');
            const keys: string[] = [];
            for await (const { listed } of packages) keys.push(listed.key);
            asked.push(wanted, keys, present);
            return { chosen: ['lone-1.rpm'], unresolved: [{ requirement: 'haiku >= r9', reason: 'no' }] };
          }]]),
        },
      },
    });
    try {
      const answer = await fetch(`${other.url}/v1/repositories/fedora/feed`, { method: 'POST', headers: { authorization }, body: '{"wanted":["haiku >= r9"],"systemPackages":["haiku-r1.hpkg"]}' });
      expect(feed.parse(await answer.json())).toMatchObject({ fetch: [{ key: 'lone-1.rpm' }], unresolved: [{ requirement: 'haiku >= r9', reason: 'no' }] });
      expect(asked).toEqual([['haiku >= r9'], ['app-1.rpm', 'lib-1.rpm', 'lib-2.rpm', 'lone-1.rpm'], ['haiku-r1.hpkg']]);
      const mistaken = await fetch(`${other.url}/v1/repositories/fedora/feed`, { method: 'POST', headers: { authorization }, body: '{"wanted":["="]}' });
      expect(problem.parse(await mistaken.json())).toMatchObject({ status: 400, detail: 'wanted: no requirement' });
    } finally {
      await other.close();
    }
  });

  it('is refused where packages were made to provide and need everything of each other: nobody else would be served for hours', async () => {
    const keys = Array.from({ length: 100 }, (_, index) => `tangle-${index}.rpm`);
    gateway.repositories.publish('fedora', keys);
    for (const [index, key] of keys.entries()) describePackage('fedora', key, { provides: ['x', `x${index}`], requires: [`x${index + 1}`, ...Array.from({ length: 1000 }, () => 'x')] });
    expect(problem.parse(await ask({ wanted: ['x0'] }))).toMatchObject({ status: 422, code: 'unresolvable' });
    expect(feed.parse(await ask({ wanted: ['x99'] })).fetch.map(({ key }) => key)).toEqual(['tangle-99.rpm']);
  });

  it('is worked out for many builders at once', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask({ wanted: ['app'] })));
    expect(answers.map((answer) => feed.parse(answer).fetch.length)).toEqual(Array.from({ length: 12 }, () => 2));
  });

  it.each<[unknown, string, number]>([
    [{ wanted: [1] }, 'fedora', 400],
    [{ wanted: Array.from({ length: 1001 }, () => 'x') }, 'fedora', 400],
    [{ packages: Array.from({ length: 20_001 }, () => 'x') }, 'fedora', 400],
    [{ systemRepository: 'none' }, 'fedora', 404],
    [{ systemRepository: '../x' }, 'fedora', 400],
    [{}, 'none', 404],
  ])('%.60j of %s is %d', async (body, name, status) => {
    expect(problem.parse(await ask(body, name))).toMatchObject({ status });
  });

  it('takes its system packages from a repository of the same kind', async () => {
    await fetch(`${gateway.url}/v1/repositories`, { method: 'POST', headers: { authorization }, body: JSON.stringify({ name: 'debian', kind: 'deb', settings: { deb: { components: ['main'], architectures: ['amd64'] } } }) });
    expect(problem.parse(await ask({ systemRepository: 'debian' }))).toMatchObject({ status: 400, detail: expect.stringContaining('of kind deb') });
  });
});

it.each([['foo', { name: 'foo' }], [' cmd:gcc ', { name: 'cmd:gcc' }], ['haiku >= r1~beta5', { name: 'haiku', operator: '>=', version: 'r1~beta5' }], ['a = 1', { name: 'a', operator: '==', version: '1' }], ['a >= ', undefined], ['', undefined], ['a => 1', undefined]])('the requirement %j is %j', (text, relation) => {
  expect(parseRequirement(text)).toEqual(relation);
});
