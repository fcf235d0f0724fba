import { describe, expect, it } from '@jest/globals';
import type { RepositoryKind } from '../repository/repository.js';
import { installedTogether } from './installed-together.js';

describe('what one package needs and another gives', () => {
  it.each<[RepositoryKind, string, string, boolean]>([
    ['deb', 'amd64', 'amd64', true],
    ['deb', 'amd64', 'all', true],
    ['deb', 'all', 'arm64', true],
    ['deb', 'amd64', 'arm64', false],
    ['rpm', 'noarch', 'aarch64', true],
    ['rpm', 'x86_64', 'noarch', true],
    ['rpm', 'i686', 'x86_64', true],
    ['rpm', 'x86_64', 'aarch64', false],
    ['rpm', 'ppc64le', 'ppc64', false],
    ['rpm', 'src', 'x86_64', true],
    ['rpm', 'x86_64', 'src', false],
    ['rpm', 'odd', 'strange', false],
    ['haiku', 'x86_64', 'any', true],
  ])('of %s, %s from %s: %s', (kind, needs, gives, together) => expect(installedTogether(kind, needs, gives)).toBe(together));
});
