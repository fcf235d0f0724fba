import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createMemorySessionKnowledge } from '../../testing/memory-session-knowledge.js';
import { sampleMetadata, samplePackage as builtSample } from '../../rpm/__fixtures__/sample-package.js';
import { sha256 } from '../../rpm/__fixtures__/build-package.js';
import { tag } from '../../rpm/package/tags.js';
import { runRequestInspection } from '../../inspection/request-inspection.js';
import { createContext, createRequest } from '../__fixtures__/exchange.js';
import { base, consulting, get, learn, said, samplePackage } from './__fixtures__/scene.js';
import { buildRepository, data, primaryXml, type RepositoryOptions } from './__fixtures__/repository.js';
import { findPackages } from './package-index.js';
import { ancestors, resolveLocation } from './repository-path.js';
import { rpmInspectors } from './index.js';

const one = samplePackage('1.0');
const two = samplePackage('2.0');
const repository = buildRepository([one, two]);

describe('requests', () => {
  it.each([
    ['/os/repodata/repomd.xml', 'rpm.repomd'],
    ['/repodata/repomd.xml.asc', 'rpm.key'],
    ['/os/repodata/repomd.xml.key', 'rpm.key'],
    ['/RPM-GPG-KEY-sample', 'rpm.key'],
    ['/os/repodata/abc-primary.xml.gz', 'rpm.metadata'],
    ['/os/repodata/abc-primary.sqlite.bz2', 'rpm.metadata'],
    ['/os/Packages/a/a-1-1.noarch.rpm', 'rpm.package'],
    ['/metalink?repo=x&arch=y', 'rpm.metalink'],
    ['/mirrorlist/9/os', 'rpm.metalink'],
    ['/?release=9&arch=x86_64&repo=os', 'rpm.metalink'],
    ['/os/repodata/', ''],
    ['/os/repodata', ''],
    ['/os/x.drpm', ''],
  ])('for %s are known as %s', (path, id) => {
    const inspections = runRequestInspection(rpmInspectors, createRequest(`https://any.example${path}`), createContext());
    expect(Object.entries(inspections).filter(([, { opinion }]) => opinion === 'Pending').map(([name]) => name).join()).toBe(id);
    const posted = runRequestInspection(rpmInspectors, createRequest(`https://any.example${path}`, {}, 'POST'), createContext());
    expect(Object.values(posted).some(({ opinion }) => opinion === 'Pending')).toBe(false);
  });

  it('lie in the directories above them', () => {
    expect(ancestors(createRequest('https://r.example/a/b/c.rpm'))).toEqual(['https://r.example:443/a/b/', 'https://r.example:443/a/', 'https://r.example:443/']);
    expect(ancestors(createRequest('https://r.example/c.rpm'))).toEqual(['https://r.example:443/']);
  });

  it('are found by what repositories say of places', () => {
    const at = 'https://r.example:443/os/';
    expect(resolveLocation(at, { href: 'a/b.rpm' })).toBe('https://r.example:443/os/a/b.rpm');
    expect(resolveLocation(at, { href: 'a:b#c?d.rpm' })).toBe('https://r.example:443/os/a:b%23c%3Fd.rpm');
    expect(resolveLocation(at, { href: 'b.rpm', base: 'https://other.example/x' })).toBe('https://other.example:443/x/b.rpm');
    expect(resolveLocation(at, { href: '../../../etc/b.rpm' })).toBe('https://r.example:443/etc/b.rpm');
    expect(resolveLocation(at, { href: 'b.rpm', base: 'file:///etc' })).toBeUndefined();
  });
});

describe('an honest repository', () => {
  it('is approved from its repomd.xml to its packages', async () => {
    const context = createContext();
    const repomd = await get(`${base}repodata/repomd.xml`, repository.repomd, context);
    expect(repomd).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/x.rpm.repomd', name: '/os/', version: '1' } });
    expect(said(repomd)).toContain('no key is configured for it');
    const primary = await get(base + repository.primaryPath, repository.primary, context);
    expect(primary).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/x.rpm.metadata', name: 'primary' }, inspections: { 'rpm.metadata': { annotations: { packages: 2 } } } });
    expect(await get(base + repository.primaryPath, repository.primary, context)).toMatchObject({ inspections: { 'rpm.metadata': { annotations: { packages: 2 } } } });
    expect(await get(base + two.href, two.bytes, context)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'rpm.package': { reason: 'valid package, with the digest that its repository declares', annotations: { 'declared-by': 'https://repo.example:443/os/repodata/repomd.xml' } } },
      metadata: { type: 'application/x-rpm', name: 'built', version: '2.0-1', architecture: 'noarch', purl: 'pkg:rpm/built@2.0-1?arch=noarch' },
    });
    expect(said(await get(base + one.href, one.bytes, context))).toContain('its repository also has the newer 2.0-1');
  });

  it('of createrepo_c has a package of rpmbuild, and all that is known of it', async () => {
    const context = createContext();
    for (const end of ['repomd.xml', 'primary.xml.gz', 'filelists.xml.gz', 'other.xml.gz']) {
      const { name, bytes } = sampleMetadata(end);
      expect([end, (await get(`${base}repodata/${name}`, bytes, context)).verdict]).toEqual([end, 'Approved']);
    }
    const result = await get(`${base}millrace-sample-1.0~rc1-2.noarch.rpm`, builtSample(), context);
    expect(result).toMatchObject({
      verdict: 'Approved',
      metadata: {
        name: 'millrace-sample',
        version: '1:1.0~rc1-2',
        vendor: 'Millrace',
        author: 'Ada <ada@example.test>',
        license: 'MIT',
        description: 'A sample package',
        sourcePackage: 'millrace-sample-1.0~rc1-2.src.rpm',
        purl: 'pkg:rpm/millrace-sample@1.0~rc1-2?arch=noarch&epoch=1',
      },
    });
    expect(result.inspections['rpm.package']?.annotations).toMatchObject({
      files: 3,
      requires: 9,
      'rich-dependencies': 1,
      changelogs: 2,
      checked: ['header SHA-256', 'header SHA-1', 'payload SHA-256', 'unpacked payload SHA-256', 'unpacked size', 'size'],
      'signature-keys': [],
    });
  });

  it.each<[NonNullable<RepositoryOptions['algorithm']>, string]>([
    ['sha512', 'Approved'],
    ['sha1', 'Approved'],
    ['md5', 'Unknown'],
  ])('by %s is %s', async (algorithm, opinion) => {
    const context = createContext();
    const other = buildRepository([one], { algorithm });
    await get(`${base}repodata/repomd.xml`, other.repomd, context);
    const primary = await get(base + other.primaryPath, other.primary, context);
    expect(primary.inspections['rpm.metadata']?.opinion).toBe(opinion);
    if (opinion === 'Approved') expect((await get(base + one.href, one.bytes, context)).verdict).toBe('Approved');
    else expect(said(primary)).toContain('MD5 only, which proves nothing');
  });

  it('is known at mirrors by digests', async () => {
    const context = createContext();
    await get(`${base}repodata/repomd.xml`, repository.repomd, context);
    expect((await get(`https://two.example/x/${repository.primaryPath}`, repository.primary, context)).verdict).toBe('Approved');
    expect((await get(`https://three.example/y/${one.href}`, one.bytes, context)).verdict).toBe('Approved');
    expect(said(await get(`https://two.example/x/${repository.primaryPath}`, gzipSync('<metadata/>'), context))).toContain('Rejected: the SHA256 digest of the primary metadata');
  });

  it('may call its files gzip-coded, as clients that ask for no coding keep them as they are', async () => {
    const context = createContext();
    await get(`${base}repodata/repomd.xml`, repository.repomd, context);
    expect((await get(base + repository.primaryPath, repository.primary, context, { 'content-encoding': 'x-gzip' })).verdict).toBe('Approved');
  });

  it('approves by their digests alone the files that nobody reads', async () => {
    const context = createContext();
    const [sqlite, zck] = [Buffer.from('SQLite format 3\0'), Buffer.from('\0ZCK1')];
    const others = data('primary_db', { path: 'repodata/primary.sqlite', packed: sqlite }) + data('primary_zck', { path: 'repodata/primary.xml.zck', packed: zck });
    await get(`${base}repodata/repomd.xml`, buildRepository([one], { data: others }).repomd, context);
    expect(said(await get(`${base}repodata/primary.sqlite`, sqlite, context))).toContain('Approved: the digest is the one that the repomd.xml declares; what is in the file was not looked at');
    expect((await get(`${base}repodata/primary.xml.zck`, zck, context)).verdict).toBe('Approved');
    expect(said(await get(`${base}repodata/primary.xml.zck`, sqlite, context))).toContain('Rejected: the SHA256 digest of the primary_zck metadata');
  });

  it('published anew while a build reads it keeps both states', async () => {
    const context = createContext();
    const newer = buildRepository([two], { revision: '2' });
    await learn(repository, context);
    await get(`${base}repodata/repomd.xml`, newer.repomd, context);
    for (const state of [repository, newer]) expect((await get(base + state.primaryPath, state.primary, context)).verdict).toBe('Approved');
  });

  it('of many packages is known in parts that fit', async () => {
    const knowledge = createMemorySessionKnowledge();
    const many = Array.from({ length: 12_000 }, (_, index) => ({ ...one, name: `package-${index}`, href: `Packages/package-${index}-1.0-1.noarch.rpm` }));
    const large = buildRepository(many);
    await learn(large, createContext(knowledge));
    const at = 'https://repo.example:443/os/';
    const head = JSON.parse((await knowledge.get(`rpm/packages/${at}`)) ?? '{}') as { parts: number; packages: number };
    expect(head).toMatchObject({ packages: 12_000 });
    expect(head.parts).toBeGreaterThan(5);
    expect(await findPackages(knowledge, at, 'package-11999')).toMatchObject([{ name: 'package-11999', checksum: { hex: sha256(one.bytes) } }]);
    expect(await findPackages(knowledge, at, 'package-12000')).toEqual([]);
  });
});

describe('what nobody declares', () => {
  it('is Unknown, with advice', async () => {
    expect(said(await get(base + repository.primaryPath, repository.primary, createContext()))).toContain('Unknown: no repomd.xml of this session declares this file');
    expect(said(await get(base + one.href, one.bytes, createContext()))).toContain('Unknown: the package is sound, but no primary metadata of this session declare it');
  });

  it('is looked up in the repository that it lies in', async () => {
    const { context, asked } = consulting(new Map([[`${base}repodata/repomd.xml`, repository.repomd], [base + repository.primaryPath, repository.primary]]));
    expect((await get(base + one.href, one.bytes, context)).verdict).toBe('Approved');
    const at = 'https://repo.example:443/os/';
    expect(asked).toEqual([`${at}Packages/repodata/repomd.xml`, `${at}repodata/repomd.xml`, at + repository.primaryPath]);
    const changed = Buffer.from(one.bytes);
    changed[changed.length - 1] = 0;
    expect(said(await get(base + one.href, changed, context))).toContain("Rejected: the package's SHA256 digest");
    const metadata = consulting(new Map([[`${base}repodata/repomd.xml`, repository.repomd]]));
    expect((await get(base + repository.primaryPath, repository.primary, metadata.context)).verdict).toBe('Approved');
  });
});

describe('a client that reads another form of the primary metadata', () => {
  it('has the packages approved all the same, also from a mirror', async () => {
    const zck = Buffer.from('\0ZCK1');
    const both = buildRepository([one], { data: data('primary_zck', { path: 'repodata/primary.xml.zck', packed: zck }) });
    const { context, asked } = consulting(new Map([[base + both.primaryPath, both.primary]]));
    await get(`${base}repodata/repomd.xml`, both.repomd, context);
    await get(`${base}repodata/primary.xml.zck`, zck, context);
    expect((await get(`https://mirror.example/x/${one.href}`, one.bytes, context)).verdict).toBe('Approved');
    expect(asked).toEqual([`https://repo.example:443/os/${both.primaryPath}`]);
  });
});

describe('a hostile repository', () => {
  it('serves no other package, nor a sound one in the place of another', async () => {
    const context = createContext();
    await learn(repository, context);
    const changed = Buffer.from(one.bytes);
    changed[changed.length - 1] = 0;
    const tampered = await get(base + one.href, changed, context);
    expect(tampered).toMatchObject({ verdict: 'Rejected', metadata: { name: 'built', version: '1.0-1' } });
    expect(said(tampered)).toContain("the package's SHA256 digest is not the one that the primary metadata of https://repo.example:443/os/ declare for built-1.0-1.noarch");
    expect(said(await get(base + two.href, one.bytes, context))).toContain('is not the one that the primary metadata');
    expect(said(await get(`https://mirror.example/${two.href}`, one.bytes, context))).toContain('which its repository has under another name: Packages/built-1.0-1.noarch.rpm');
    const evil = samplePackage('1.0', { tags: [[tag.name, 'evil']] });
    expect(said(await get(base + one.href, evil.bytes, context))).toContain('Unknown');
  });

  it('serves no other metadata', async () => {
    const context = createContext();
    await get(`${base}repodata/repomd.xml`, repository.repomd, context);
    expect(said(await get(base + repository.primaryPath, buildRepository([one]).primary, context))).toContain(
      'Rejected: the SHA256 digest of the primary metadata is not the one that the repomd.xml of https://repo.example:443/os/ declares',
    );
  });

  it.each<[string, RepositoryOptions, string]>([
    ['no XML', { primaryXml: 'not XML' }, 'not well-formed'],
    ['another number of packages', { primaryXml: primaryXml([one]).replace('packages="1"', 'packages="2"') }, 'announces 2 packages, but lists 1'],
    ['a bomb of one text', { primaryXml: `<metadata>${' '.repeat(9 * 1024 * 1024)}</metadata>` }, 'a tag or text of more than'],
    ['a bomb of elements', { primaryXml: `<metadata>${'<a/>'.repeat(1_000_001)}</metadata>` }, 'more than 1000000 elements'],
  ])('whose primary metadata are %s, as declared, is refused', async (_case, options, reason) => {
    const context = createContext();
    const other = buildRepository([one], options);
    await get(`${base}repodata/repomd.xml`, other.repomd, context);
    expect(said(await get(base + other.primaryPath, other.primary, context))).toContain(reason);
  }, 30_000);

  it('is refused for an open-checksum that does not hold, and for file lists that are none', async () => {
    const context = createContext();
    const filelists = gzipSync('<filelists><package/></filelists>');
    const lists = data('filelists', { path: 'repodata/filelists.xml.gz', packed: filelists, open: Buffer.from('x') });
    const other = buildRepository([one], { data: lists });
    const lying = other.repomd.toString().replace(/<open-checksum type="sha256">[0-9a-f]{64}/, `<open-checksum type="sha256">${'0'.repeat(64)}`);
    await get(`${base}repodata/repomd.xml`, Buffer.from(lying), context);
    expect(said(await get(base + other.primaryPath, other.primary, context))).toContain('do not have the open-checksum');
    expect(said(await get(`${base}repodata/filelists.xml.gz`, filelists, context))).toContain('without checksum, name and architecture');
  });

  it.each([
    ['a file above its root', [[tag.baseNames, ['x']], [tag.directoryIndexes, [0]], [tag.directoryNames, ['/../']]], 'a file with the path "/../x"'],
    ['a payload that is another', [[tag.payloadDigest, ['0'.repeat(64)]]], "the package's payload does not have the SHA-256 digest"],
    ['another name', [[tag.name, 'other']], 'Unknown'],
  ] as const)('has no package with %s, even when it declares it', async (_case, tags, reason) => {
    const context = createContext();
    const bad = { ...samplePackage('1.0', { tags }), name: 'built' };
    await learn(buildRepository([bad]), context);
    const result = await get(base + bad.href, bad.bytes, context);
    expect(result.verdict).toBe('Rejected');
    expect(said(result)).toContain(reason);
  });

  it('gets nothing but opinions, and approval for nothing but the package itself', async () => {
    const context = createContext();
    await learn(repository, context);
    await fc.assert(
      fc.asyncProperty(fc.nat(one.bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, difference) => {
        const bytes = Buffer.from(one.bytes);
        bytes[at] = (bytes[at] as number) ^ difference;
        const result = await get(base + one.href, bytes, context);
        expect(result.verdict).toBe('Rejected');
        expect(said(result)).not.toContain('the inspection failed');
      }),
      { numRuns: 300 },
    );
  });
});
