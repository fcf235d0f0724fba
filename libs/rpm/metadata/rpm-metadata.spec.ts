import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import { sampleMetadata } from '../__fixtures__/sample-package.js';
import { readFilelists, readOther } from './filelists-and-other.js';
import { readMetalink } from './metalink.js';
import { readPackageList, readPrimary } from './primary.js';
import { readRepomd } from './repomd.js';
import { withoutElement } from './without-element.js';
import { readXmlRecords, type RecordLimits } from './xml-records.js';

async function* chunks(text: string | Buffer, size = 100): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const repomd = sampleMetadata('repomd.xml').bytes;
const primary = gunzipSync(sampleMetadata('primary.xml.gz').bytes);
const pkgid = '74c91115259ac8165b1965f976fe7fb5488945669709afcca41f8eb133b3d1cb';
const identity = { name: 'millrace-sample', epoch: 1, version: '1.0~rc1', release: '2', arch: 'noarch' };

describe('metadata of createrepo_c', () => {
  it('begin with a repomd.xml', async () => {
    const { revision, files } = await readRepomd(chunks(repomd));
    expect(revision).toBe('7');
    expect(files.map(({ type }) => type)).toEqual(['primary', 'filelists', 'other']);
    expect(files[0]).toEqual({
      type: 'primary',
      href: `repodata/${sampleMetadata('primary.xml.gz').name}`,
      checksum: { algorithm: 'sha256', hex: sampleMetadata('primary.xml.gz').name.slice(0, 64) },
      openChecksum: { algorithm: 'sha256', hex: expect.stringMatching(/^[0-9a-f]{64}$/) },
      size: sampleMetadata('primary.xml.gz').bytes.length,
      openSize: primary.length,
      timestamp: 7,
    });
  });

  it('list packages, short and whole', async () => {
    const short = { ...identity, checksum: { algorithm: 'sha256', hex: pkgid }, href: 'millrace-sample-1.0~rc1-2.noarch.rpm', size: 7227 };
    let announced: number | undefined;
    expect(await all(readPackageList(chunks(primary), { onCount: (count) => (announced = count) }))).toEqual([short]);
    expect(announced).toBe(1);
    const [whole] = await all(readPrimary(chunks(primary, 7)));
    expect(whole).toMatchObject({
      ...short,
      summary: 'A sample package',
      description: 'A sample, of which nothing works.',
      packager: 'Ada <ada@example.test>',
      license: 'MIT',
      vendor: 'Millrace',
      buildHost: 'build.example',
      sourceRpm: 'millrace-sample-1.0~rc1-2.src.rpm',
      buildTime: 1704067200,
      installedSize: 15,
      headerRange: { start: 4504, end: 7069 },
      files: [],
    });
    expect(whole?.dependencies).toMatchObject({
      requires: [{ name: '(millrace-a if millrace-b)' }, { name: '/bin/sh', before: true }, { name: 'millrace-c', comparison: 'GE', version: { epoch: 2, version: '1.0', release: '1' } }],
      provides: [{ name: 'millrace-sample' }, { name: 'millrace-virtual', comparison: 'EQ', version: { epoch: 0, version: '3' } }],
      recommends: [{ name: 'millrace-d' }],
      enhances: [{ name: 'millrace-g' }],
    });
  });

  it('have files and changelogs of every package', async () => {
    const filelists = gunzipSync(sampleMetadata('filelists.xml.gz').bytes);
    const files = [
      { path: '/usr/share/millrace', type: 'dir' },
      { path: '/usr/share/millrace/hello.txt', type: 'file' },
      { path: '/usr/share/millrace/link.txt', type: 'file' },
    ];
    expect(await all(readFilelists(chunks(filelists)))).toEqual([{ ...identity, pkgid, files }]);
    const [other] = await all(readOther(chunks(gunzipSync(sampleMetadata('other.xml.gz').bytes))));
    expect(other).toMatchObject({ pkgid, changelogs: [{ time: 1704024000, author: 'Ada <ada@example.test> - 1:1.0~rc1-1', text: '- First' }, { text: '- Second' }] });
  });
});

describe('hostile metadata', () => {
  const data = (type = 'primary', rest = `<checksum type="sha256">${pkgid}</checksum><location href="repodata/x"/>`): string => `<data type="${type}">${rest}</data>`;

  it.each([
    ['another document', '<html/>', 'is <html>, not <repomd>'],
    ['no primary', '<repomd/>', 'no primary'],
    ['the same twice', `<repomd>${data()}${data()}</repomd>`, 'two files of the type primary'],
    ['no checksum', `<repomd>${data('primary', '<location href="x"/>')}</repomd>`, 'no checksum'],
    ['an unknown checksum', `<repomd>${data('primary', '<checksum type="crc32">00</checksum><location href="x"/>')}</repomd>`, 'unknown type "crc32"'],
    ['a short checksum', `<repomd>${data('primary', '<checksum type="sha256">00</checksum><location href="x"/>')}</repomd>`, 'not a sha256 digest'],
    ['two checksums', `<repomd>${data('primary', `<checksum type="sha256">${pkgid}</checksum><checksum type="sha256">${pkgid}</checksum><location href="x"/>`)}</repomd>`, 'more than one <checksum>'],
    ['no location', `<repomd>${data('primary', `<checksum type="sha256">${pkgid}</checksum>`)}</repomd>`, 'does not say where'],
    ['entities of its own', `<!DOCTYPE repomd [<!ENTITY a "b">]><repomd>${data()}</repomd>`, 'document type declaration'],
    ['unknown entities', `<repomd><revision>&a;</revision>${data()}</repomd>`, 'not well-formed'],
    ['another encoding', `<?xml version="1.0" encoding="utf-16"?><repomd>${data()}</repomd>`, 'unsupported encoding'],
    ['no end', `<repomd>${data()}`, 'not well-formed'],
    ['an endless tag', `<repomd><data type="${'x'.repeat(1_000_000)}`, 'tag or text of more than'],
    ['deep nesting', `<repomd>${'<a>'.repeat(100)}`, 'nested deeper'],
    ['endless records', `<repomd>${'<a/>'.repeat(1001)}`, 'more than 1000 elements below'],
    ['an endless record', `<repomd><a>${'<b/>'.repeat(1001)}`, 'more than 1000 elements in it'],
  ])('with %s are refused', async (_case, text, reason) => {
    await expect(readRepomd(chunks(text, 65_536))).rejects.toThrow(reason);
  });

  it('that are not UTF-8 are refused', async () => {
    await expect(readRepomd(chunks(Buffer.concat([Buffer.from('<repomd><revision>'), Buffer.from([0xff, 0xfe])])))).rejects.toThrow('not valid UTF-8');
  });

  it.each([
    ['no name', '<package type="rpm"><arch>x</arch><version ver="1" rel="1"/><checksum type="md5">0123456789abcdef0123456789abcdef</checksum><location href="x"/></package>', 'without name'],
    ['no place', '<package type="rpm"><name>x</name></package>', 'does not say where "x" is'],
    ['two places', '<package type="rpm"><location href="x"/><location href="y"/></package>', 'more than one <location>'],
  ])('with a package of %s are refused', async (_case, text, reason) => {
    await expect(all(readPackageList(chunks(`<metadata>${text}</metadata>`)))).rejects.toThrow(reason);
  });

  it('cannot hide a package in what is passed over', async () => {
    const hidden = primary.toString().replace('<format>', `<format><location href="evil.rpm"/><package/>`);
    expect(await all(readPackageList(chunks(hidden)))).toMatchObject([{ href: 'millrace-sample-1.0~rc1-2.noarch.rpm' }]);
  });

  it('never keep more than one record', async () => {
    const limits: RecordLimits = { records: 1e6, elements: 10, characters: 200, depth: 4, token: 70_000 };
    const many = `<r>${'<p><name>some text</name></p>'.repeat(50_000)}</r>`;
    let count = 0;
    for await (const record of readXmlRecords(chunks(many, 65_536), { root: 'r', limits })) count += record.children.length;
    expect(count).toBe(50_000);
    await expect(all(readXmlRecords(chunks(`<r><p>${'x'.repeat(300)}</p></r>`), { root: 'r', limits }))).rejects.toThrow('more than 200 characters');
  });

  it('are always read or refused with a reason', async () => {
    const texts = [repomd, primary];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...texts), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }), async (text, changes) => {
        const bytes = Buffer.from(text);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const refused = (error: unknown): void => expect(isMillraceError(error)).toBe(true);
        await readRepomd(chunks(bytes)).catch(refused);
        await all(readPrimary(chunks(bytes))).catch(refused);
      }),
      { numRuns: 300 },
    );
  });
});

describe('withoutElement', () => {
  const without = async (text: string, size: number): Promise<string> => Buffer.concat(await all(withoutElement(chunks(text, size), 'format'))).toString();

  it('leaves the rest as it is, whatever the size of chunks', async () => {
    const text = '<a>1<format><b/></format>2<format></format><formats/>3<form</a>';
    for (let size = 1; size <= text.length; size += 1) expect(await without(text, size)).toBe('<a>12<formats/>3<form</a>');
  });

  it('is the same as leaving out by a pattern', async () => {
    const parts = fc.array(fc.constantFrom('<format>', '</format>', '<', 'x', '</', '<form', 'at>', '<a/>'), { maxLength: 20 }).map((list) => list.join(''));
    await fc.assert(
      fc.asyncProperty(parts, fc.integer({ min: 1, max: 12 }), async (text, size) => {
        expect(await without(text, size)).toBe(text.replaceAll(/<format>.*?(?:<\/format>|$)/gs, ''));
      }),
    );
  });
});

describe('metalinks', () => {
  const hashes = (hex: string): string => `<verification><hash type="sha256">${hex.repeat(64)}</hash></verification>`;
  const metalink = `<metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://mirrors.example"><files><file name="repomd.xml"><size>7</size>${hashes('a')}
    <mm0:alternates><mm0:alternate><size>8</size>${hashes('b')}</mm0:alternate></mm0:alternates>
    <resources><url protocol="https">https://one.example/os/repodata/repomd.xml</url><url protocol="rsync">rsync://two.example/x</url></resources></file></files></metalink>`;

  it('name mirrors, and digests of the newest and of older states', async () => {
    expect(await readMetalink(chunks(metalink))).toEqual({
      urls: ['https://one.example/os/repodata/repomd.xml'],
      alternatives: [
        { size: 7, checksums: [{ algorithm: 'sha256', hex: 'a'.repeat(64) }] },
        { size: 8, checksums: [{ algorithm: 'sha256', hex: 'b'.repeat(64) }] },
      ],
    });
  });

  it.each([
    ['another file', metalink.replace('name="repomd.xml"', 'name="image.iso"'), 'not of a repomd.xml'],
    ['no digest', metalink.replaceAll(/<verification>.*<\/verification>/g, ''), 'declares no digest'],
    ['nothing', '<metalink/>', 'not of a repomd.xml'],
  ])('of %s are refused', async (_case, text, reason) => {
    await expect(readMetalink(chunks(text))).rejects.toThrow(reason);
  });
});
