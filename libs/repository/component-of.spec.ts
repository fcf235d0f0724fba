import { describe, expect, it } from '@jest/globals';
import { componentOf } from './component-of.js';
import { parseRepositorySettings } from './repository-settings.js';

const deb = parseRepositorySettings('deb', { deb: { architectures: ['amd64'], components: ['main', 'contrib'] } });
const rpm = parseRepositorySettings('rpm', {});

describe('componentOf', () => {
  it('is the first of an apt repository unless told, and none of others', () => {
    expect([componentOf(deb, undefined), componentOf(deb, 'contrib'), componentOf(rpm, undefined)]).toEqual(['main', 'contrib', '']);
  });

  it('refuses what the repository has not', () => {
    expect(() => componentOf(deb, 'non-free')).toThrow('the repository has no component "non-free"');
    expect(() => componentOf(deb, '')).toThrow('the repository has no component ""');
    expect(() => componentOf(rpm, 'main')).toThrow('only apt repositories have components');
  });
});

describe('parseRepositorySettings of an apt repository', () => {
  it.each([
    ['codename', { codename: 'a:b' }],
    ['suite', { suite: '../a' }],
    ['architectures', { architectures: ['all'] }],
    ['architectures', { architectures: ['AMD64'] }],
    ['components', { components: ['a~b'] }],
  ])('refuses %s that no index could be written with', (field, given) => {
    expect(() => parseRepositorySettings('deb', { deb: { architectures: ['amd64'], ...given } })).toThrow(new RegExp(`deb\\.${field}`));
  });
});
