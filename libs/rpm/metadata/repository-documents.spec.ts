import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import { buildPackage, type Tags } from '../__fixtures__/build-package.js';
import { samplePackage } from '../__fixtures__/sample-package.js';
import { dependencyKinds } from '../dependency.js';
import type { PackageHead } from '../package/package-file.js';
import { readPackageHead } from '../package/package-head.js';
import { tag } from '../package/tags.js';
import { escapeAttribute, escapeText, fitsXml } from './escape-xml.js';
import { readFilelists, readOther } from './filelists-and-other.js';
import { writePackageFragments } from './package-fragments.js';
import { readPrimary } from './primary.js';
import { readRepomd, type Repomd } from './repomd.js';
import { documentEnd, documentStart, writeRepomd } from './repository-documents.js';
import { readXmlRecords } from './xml-records.js';

async function* chunks(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

async function only<Item>(items: AsyncIterable<Item>): Promise<Item> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  expect(list).toHaveLength(1);
  return list[0] as Item;
}

function headOf(bytes: Buffer): PackageHead {
  return readPackageHead((position, length) => bytes.subarray(position, position + length));
}

const file = { sha256: 'ab'.repeat(32), size: 12_345 };

type ItemOf<Reader extends (chunks: AsyncIterable<Buffer>) => AsyncIterable<unknown>> = ReturnType<Reader> extends AsyncIterable<infer Item> ? Item : never;

interface ReadBack {
  readonly primary: ItemOf<typeof readPrimary>;
  readonly filelists: ItemOf<typeof readFilelists>;
  readonly other: ItemOf<typeof readOther>;
}

/** What our readers make of what is written of a package. */
async function readBack(tags: Tags, href = 'Packages/x.rpm'): Promise<ReadBack> {
  const written = writePackageFragments(headOf(buildPackage({ tags })), file);
  const primary = `${written.beforeTime}7${written.beforeHref}${escapeAttribute(href)}${written.afterHref}`;
  return {
    primary: await only(readPrimary(chunks(`${documentStart('primary', 1)}${primary}${documentEnd('primary')}`))),
    filelists: await only(readFilelists(chunks(`${documentStart('filelists', 1)}${written.filelists}${documentEnd('filelists')}`))),
    other: await only(readOther(chunks(`${documentStart('other', 1)}${written.other}${documentEnd('other')}`))),
  };
}

/** What a reader sees of a text: without what XML cannot hold and without white space around it. */
const seen = (text: string): string =>
  [...text].filter((character) => fitsXml(character)).join('').trim();

describe('text in XML', () => {
  it('comes back as it went in, as an element and as an attribute, whatever is in it', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, text, async (one, other) => {
        const record = await only(readXmlRecords(chunks(`<r><e a="${escapeAttribute(other)}">${escapeText(one)}</e></r>`), { root: 'r' }));
        expect([record.text, record.attributes['a']]).toEqual([seen(one), [...other].filter((character) => fitsXml(character)).join('')]);
      }),
    );
  });

  it('has no half characters', () => {
    expect(escapeText('a\ud800b\udc00c🙂')).toBe('abc🙂');
    expect(escapeAttribute('\ud83d"\ude42')).toBe('&quot;');
  });
});

describe('what is written of a package', () => {
  const printable = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map((text) => text.replaceAll(/[\0\s]/g, '') || 'x').filter(fitsXml);
  const evr = fc.tuple(fc.nat(9), fc.stringMatching(/^[0-9A-Za-z.~^+_]{1,8}$/), fc.option(fc.stringMatching(/^[0-9A-Za-z.]{1,6}$/), { nil: undefined }));
  const dependency = fc.record({ name: printable.map((name) => `n${name}`), version: fc.option(evr, { nil: undefined }), flags: fc.constantFrom(2, 4, 8, 10, 12), before: fc.boolean() });

  it('is what our readers read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          texts: fc.array(fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll('\0', '').toWellFormed()), { minLength: 8, maxLength: 8 }),
          requires: fc.uniqueArray(dependency, { selector: ({ name }) => name, maxLength: 6 }),
          files: fc.uniqueArray(fc.tuple(printable.map((name) => name.replaceAll('/', '')).filter((name) => name !== ''), fc.constantFrom('dir', 'ghost', 'file')), { selector: ([name]) => name, maxLength: 6 }),
          changelogs: fc.array(fc.tuple(fc.nat(1000), printable, printable), { maxLength: 14 }),
          href: printable,
        }),
        async ({ texts, requires, files, changelogs, href }) => {
          const newestFirst = [...new Map(changelogs.map((entry) => [entry[0], entry])).values()].sort(([one], [other]) => other - one);
          const { primary, filelists, other } = await readBack(
            [
              ...[tag.summary, tag.description, tag.packager, tag.url, tag.license, tag.vendor, tag.group, tag.buildHost].map((number, index) => [number, texts[index] as string] as const),
              ...(requires.length === 0 ? [] : dependencyTags(requires)),
              ...(files.length === 0 ? [] : fileTags(files)),
              ...(newestFirst.length === 0 ? [] : changelogTags(newestFirst)),
            ],
            href,
          );
          const { summary, description, packager, url, license, vendor, group, buildHost } = primary;
          expect([summary, description, packager, url, license, vendor, group, buildHost]).toEqual(texts.map(seen));
          expect(primary).toMatchObject({ name: 'built', epoch: 0, version: '1.0', release: '1', arch: 'noarch', href, checksum: { algorithm: 'sha256', hex: file.sha256 }, size: file.size, fileTime: 7 });
          expect(primary.dependencies.requires).toEqual(
            requires.map(({ name, version, flags, before }) => ({
              name,
              ...(version === undefined ? {} : { comparison: { 2: 'LT', 4: 'GT', 8: 'EQ', 10: 'LE', 12: 'GE' }[flags], version: { epoch: version[0], version: version[1], ...(version[2] === undefined ? {} : { release: version[2] }) } }),
              ...(before ? { before: true } : {}),
            })),
          );
          expect(filelists.files).toEqual(files.map(([name, type]) => ({ path: `/etc/${name}`, type })));
          expect(primary.files).toEqual(filelists.files);
          expect(other.changelogs).toEqual(newestFirst.slice(0, 10).reverse().map(([time, author, text]) => ({ time, author, text })));
        },
      ),
      { numRuns: 150 },
    );
  });

  function dependencyTags(list: readonly { readonly name: string; readonly version: readonly [number, string, string | undefined] | undefined; readonly flags: number; readonly before: boolean }[]): Tags {
    const versions = list.map(({ version }) => (version === undefined ? '' : `${version[0]}:${version[1]}${version[2] === undefined ? '' : `-${version[2]}`}`));
    return [
      [tag.requireName, list.map(({ name }) => name)],
      [tag.requireFlags, list.map(({ version, flags, before }) => (version === undefined ? 0 : flags) | (before ? 0x200 : 0))],
      [tag.requireVersion, versions],
    ];
  }

  function fileTags(list: readonly (readonly [string, string])[]): Tags {
    return [
      [tag.baseNames, list.map(([name]) => name)],
      [tag.directoryNames, ['/etc/']],
      [tag.directoryIndexes, list.map(() => 0)],
      [tag.fileModes, Uint16Array.from(list, ([, type]) => (type === 'dir' ? 0o040755 : 0o100644))],
      [tag.fileFlags, list.map(([, type]) => (type === 'ghost' ? 64 : 0))],
    ];
  }

  function changelogTags(list: readonly (readonly [number, string, string])[]): Tags {
    return [
      [tag.changelogTime, list.map(([time]) => time)],
      [tag.changelogName, list.map(([, author]) => author)],
      [tag.changelogText, list.map(([, , text]) => text)],
    ];
  }

  it('tells changelog entries of the same time apart', async () => {
    const { other } = await readBack(changelogTags([[9, 'e  ', '5'], [7, 'd', '4'], [7, 'c', '3'], [7, 'b', '2'], [6, 'a', '1']]));
    expect(other.changelogs.map(({ time, author }) => [time, author])).toEqual([[6, 'a'], [7, 'b'], [8, 'c'], [9, 'd'], [10, 'e']]);
  });

  it('has weak dependencies of old packages where those of new ones are', async () => {
    const { primary } = await readBack([
      [tag.requireName, ['needed', 'wanted']],
      [tag.requireFlags, [0, 1 << 19]],
      [tag.requireVersion, ['', '']],
      [tag.oldSuggestName, ['strong', 'weak']],
      [tag.oldSuggestFlags, [1 << 27, 0]],
      [tag.oldSuggestVersion, ['', '']],
      [tag.oldEnhanceName, ['supplemented']],
      [tag.oldEnhanceFlags, [1 << 27]],
      [tag.oldEnhanceVersion, ['']],
    ]);
    const names = Object.fromEntries(dependencyKinds.map((kind) => [kind, primary.dependencies[kind].map(({ name }) => name)]));
    expect(names).toMatchObject({ requires: ['needed'], recommends: ['wanted', 'strong'], suggests: ['weak'], supplements: ['supplemented'] });
  });

  it.each([
    ['a file', fileTags([['a\u0007b', 'file']])],
    ['a dependency', dependencyTags([{ name: 'a\u0001', version: undefined, flags: 0, before: false }])],
  ])('is refused when %s has a name that XML cannot hold', async (_what, tags) => {
    await expect(readBack(tags)).rejects.toThrow('characters that repository metadata cannot hold');
  });

  it.each([
    ['names with slashes', [[tag.name, '../../etc/x']], 'no valid name'],
    ['a file list of parts that differ', [...fileTags([['a', 'file']]), [tag.fileModes, Uint16Array.of(1, 2)]], 'file list is damaged'],
    ['a directory that is not there', [...fileTags([['a', 'file']]), [tag.directoryIndexes, [9]]], 'directory that is not there'],
    ['dependencies that differ in number', [...dependencyTags([{ name: 'a', version: undefined, flags: 0, before: false }]), [tag.requireFlags, [0, 0]]], 'requires are damaged'],
    ['a changelog that differs in number', [...changelogTags([[1, 'a', 'b']]), [tag.changelogTime, [1, 2]]], 'changelog is damaged'],
  ] as readonly (readonly [string, Tags, string])[])('is refused for %s', async (_what, tags, reason) => {
    await expect(readBack(tags)).rejects.toThrow(reason);
  });

  it('breaks out of nothing', async () => {
    const hostile = `"/><package type="rpm"/>]]></description><!--<![CDATA[&#x0;&amp;`;
    const { primary } = await readBack([[tag.summary, hostile], [tag.description, hostile], ...dependencyTags([{ name: hostile, version: undefined, flags: 0, before: false }])], hostile);
    expect(primary).toMatchObject({ summary: hostile, description: hostile, href: hostile, dependencies: { requires: [{ name: hostile }] } });
  });

  it('is read or refused with a reason, whatever bytes are changed', () => {
    const sample = samplePackage();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), fc.nat(sample.length), (changes, length) => {
        const bytes = Buffer.from(sample);
        for (const [at, value] of changes) bytes[at] = value;
        for (const candidate of [bytes, bytes.subarray(0, length)]) {
          try {
            writePackageFragments(headOf(candidate), file);
          } catch (error) {
            expect(isMillraceError(error)).toBe(true);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a written repomd.xml', () => {
  it('is what our reader reads', async () => {
    const checksum = { algorithm: 'sha256' as const, hex: 'cd'.repeat(32) };
    const repomd: Repomd = {
      revision: '7 & <more>',
      files: [
        { type: 'primary', href: 'repodata/x-primary.xml.gz', checksum, openChecksum: checksum, size: 1, openSize: 2, timestamp: 3 },
        { type: 'group', href: 'repodata/a "b" & c', base: 'https://mirror.example.test/?a&b', checksum: { algorithm: 'md5', hex: '0'.repeat(32) } },
      ],
    };
    expect(await readRepomd(chunks(writeRepomd(repomd)))).toEqual(repomd);
  });
});
