import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bufferSource } from '../byte-source.js';
import { sample } from '../__fixtures__/samples.js';
import { readRepositoryFile } from './repository-file.js';
import { formatRepositoryInfo, parseRepositoryInfo } from './repository-info-text.js';
import { readRepositoryInfo, repositoryInfoBytes, type RepositoryInfo } from './repository-info.js';

const text = fc.string({ minLength: 1, unit: fc.constantFrom('a', 'B', '7', ' ', '"', "'", '\\', '#', 'ä', '{', '=') }).filter((value) => value.trim() !== '');
const infos: fc.Arbitrary<RepositoryInfo> = fc.record({ name: text, identifier: text, baseUrl: fc.oneof(text, fc.constant('')), vendor: text, summary: text, priority: fc.nat(255), architecture: fc.constantFrom('any' as const, 'x86_64' as const, 'riscv64' as const), licenses: fc.constant([]) });

describe('repo.info', () => {
  it('of the real tools says what their repository file says', async () => {
    const parsed = parseRepositoryInfo(sample('repo.info').toString('utf8'));
    expect(parsed).toEqual((await readRepositoryFile(bufferSource(sample('repo')))).info);
    expect(formatRepositoryInfo(parsed)).toBe(sample('repo.info').toString('utf8'));
  });

  it('and the repository file keep every text', () => {
    fc.assert(
      fc.property(infos, (info) => {
        expect(readRepositoryInfo(repositoryInfoBytes(info))).toEqual(info);
        expect(parseRepositoryInfo(formatRepositoryInfo(info))).toEqual(info);
      }),
    );
  });

  it('keeps licences in the file', () => {
    const licenses = [{ name: 'One', text: 'Do\nas you like.' }, { name: 'Two', text: '' }];
    const info: RepositoryInfo = { name: 'a', identifier: 'b', baseUrl: '', vendor: 'c', summary: 'd', priority: 0, architecture: 'any', licenses };
    expect(readRepositoryInfo(repositoryInfoBytes(info)).licenses).toEqual(licenses);
  });

  it.each([
    ['name a\nvendor b\nsummary c\nidentifier d', /no architecture/],
    ['name a b', /each has a word and its value/],
    ['name', /each has a word and its value/],
    ['name "a', /quote without an end/],
    ['name a\nvendor b\nsummary c\nidentifier d\narchitecture z80', /unknown architecture "z80"/],
    ['name a\nvendor b\nsummary c\nidentifier d\narchitecture any\npriority 256', /no number from 0 to 255/],
  ])('is refused: %j', (wrong, reason) => {
    expect(() => parseRepositoryInfo(wrong)).toThrow(reason);
  });

  it('may have comments and empty lines', () => {
    expect(parseRepositoryInfo('# ours\n\nname a # short\nvendor "b # c"\nsummary c\nurl d\narchitecture any\n')).toMatchObject({ name: 'a', vendor: 'b # c', identifier: 'd' });
  });
});
