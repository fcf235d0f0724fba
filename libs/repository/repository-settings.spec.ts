import { describe, expect, it } from '@jest/globals';
import { isMillraceError } from '../errors/millrace-error.js';
import { checkPlace, placesOverlap } from './repository-place.js';
import { parseRepositorySettings } from './repository-settings.js';
import type { RepositoryKind } from './repository.js';

const haiku = { name: 'Ours', identifier: 'tag:example.test,2026:ours', baseUrl: 'https://packages.test/ours', vendor: 'Example', summary: 'Packages', architecture: 'x86_64' };

function mistakesOf(kind: RepositoryKind, given: unknown): readonly string[] {
  try {
    parseRepositorySettings(kind, given);
    return [];
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'invalid-request') throw error;
    return (error.details as readonly { at: string }[]).map(({ at }) => at);
  }
}

describe('settings of a repository', () => {
  it('have defaults for what is not said', () => {
    expect(parseRepositorySettings('rpm', {})).toEqual({
      haiku: null,
      rpm: { compression: 'gzip', packageKeys: [] },
      deb: null,
      keys: [],
      keepVersions: null,
      guard: { packages: 10, share: 0.25 },
      graceSeconds: 86_400,
      obsoleteSeconds: 2_592_000,
      checkSeconds: 86_400,
      upstream: null,
    });
    expect(parseRepositorySettings('deb', { deb: { architectures: ['amd64'] } }).deb).toEqual({ origin: '', label: '', suite: 'stable', codename: 'stable', description: '', components: ['main'], architectures: ['amd64'], validSeconds: null });
    expect(parseRepositorySettings('haiku', { haiku }).haiku).toEqual({ ...haiku, priority: 1 });
  });

  it('are what they are when they are read again', () => {
    for (const settings of [parseRepositorySettings('rpm', { rpm: { packageKeys: ['abcdef0123456789'] } }), parseRepositorySettings('haiku', { haiku, guard: { share: 1 } })]) {
      expect(parseRepositorySettings(settings.rpm === null ? 'haiku' : 'rpm', JSON.parse(JSON.stringify(settings)))).toEqual(settings);
    }
    expect(parseRepositorySettings('rpm', { rpm: { packageKeys: ['abcdef0123456789'] } }).rpm?.packageKeys).toEqual(['ABCDEF0123456789']);
  });

  it.each<[RepositoryKind, string, unknown, string[]]>([
    ['haiku', 'without their part', {}, ['haiku']],
    ['deb', 'without architectures', { deb: {} }, ['deb.architectures']],
    ['deb', 'with no architecture', { deb: { architectures: [] } }, ['deb.architectures']],
    ['rpm', 'with the part of another kind', { haiku }, ['haiku']],
    ['rpm', 'with a key that there is not', { graceTime: 1 }, ['']],
    ['haiku', 'with a line break, which would be a line of repo.info', { haiku: { ...haiku, vendor: 'a\nbaseurl evil' } }, ['haiku.vendor']],
    ['deb', 'with a line break, which would be a field of Release', { deb: { architectures: ['amd64'], label: 'a\r\nSuite: b' } }, ['deb.label']],
    ['deb', 'with a separator in a word', { deb: { architectures: ['amd64'], components: ['main/../x'] } }, ['deb.components.0']],
    ['deb', 'with an architecture twice', { deb: { architectures: ['amd64', 'amd64'] } }, ['deb.architectures']],
    ['rpm', 'with a key that is none', { rpm: { packageKeys: ['XYZ'] } }, ['rpm.packageKeys.0']],
    ['rpm', 'with several mistakes', { graceSeconds: -1, guard: { share: 2 }, keepVersions: 0 }, ['keepVersions', 'guard.share', 'graceSeconds']],
    ['rpm', 'with a password', { upstream: { url: 'https://ann:secret@mirror.test/' } }, ['upstream.url']],
    ['rpm', 'with another scheme', { upstream: { url: 'ftp://mirror.test/' } }, ['upstream.url']],
    ['rpm', 'that are no object', null, ['']],
  ])('of %s %s are refused, with every mistake', (kind, _what, given, mistakes) => {
    expect(mistakesOf(kind, given)).toEqual(mistakes);
  });
});

describe('settings that are missing', () => {
  it.each<[RepositoryKind, unknown, RegExp]>([
    ['deb', {}, /deb: is missing: \{"architectures": \["amd64"\]\}/],
    ['deb', { deb: {} }, /deb\.architectures: is missing: a list/],
    ['haiku', {}, /haiku: is missing: the values of a repo\.info file/],
  ])('of %s %j are told with what to say', (kind, given, told) => {
    expect(() => parseRepositorySettings(kind, given)).toThrow(told);
  });
});

describe('the place of a repository', () => {
  it.each(['', 'a', 'a/b', 'master/x86_64/current', 'a.b/c-d_e~f+g=h@i'])('may be the folder %j', (folder) => {
    expect(() => checkPlace({ store: 'default', folder })).not.toThrow();
  });

  it.each(['/', '/a', 'a/', 'a//b', '.', '..', 'a/..', 'a/.b', 'ä', 'a b', 'a\0', 'a\n', 'a?b', 'a%2fb', 'a'.repeat(501)])('may not be the folder %j', (folder) => {
    expect(() => checkPlace({ store: 'default', folder })).toThrow('is not a folder');
  });

  it('is inside of another by whole parts only', () => {
    const at = (folder: string, store = 'default') => ({ store, folder });
    expect([placesOverlap(at('a'), at('a/b')), placesOverlap(at('a/b'), at('a')), placesOverlap(at(''), at('a')), placesOverlap(at('a'), at('ab')), placesOverlap(at('a'), at('a', 'other'))]).toEqual([true, true, true, false, false]);
  });
});
