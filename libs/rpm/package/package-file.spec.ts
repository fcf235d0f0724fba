import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import { decompress } from '../../inspectors/archives/decompress.js';
import { buildHeader, buildPackage, entry, honestDigests, sha256, type PackageParts } from '../__fixtures__/build-package.js';
import { compressions, samplePackage } from '../__fixtures__/sample-package.js';
import { isRich } from '../dependency.js';
import { readDependencies } from './dependencies.js';
import { findUnsafePath, readFileList } from './file-list.js';
import { parseHeader } from './header.js';
import { checkHeaderDigests, checkPayload, type UnpackPayload } from './package-digests.js';
import { isSourcePackage, readChangelogs, readIdentity } from './package-details.js';
import { readPackageFile, type PackageFile } from './package-file.js';
import { listSignatures, parseSignaturePacket } from './signatures.js';
import { signatureTag, tag } from './tags.js';

function open(bytes: Buffer, chunk = 1000): Promise<PackageFile> {
  return readPackageFile(Readable.from(slices(bytes, chunk), { objectMode: false }));
}

function* slices(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const unpackWith =
  (bytes: Buffer): UnpackPayload =>
  (packed, compression) =>
    decompress(Readable.from(packed, { objectMode: false }), { compression, packedSize: bytes.length });

/** Everything that is read of a package. */
async function readAll(bytes: Buffer): Promise<readonly string[]> {
  const file = await open(bytes);
  const { header, signature } = file.head;
  readIdentity(header);
  for (const kind of ['requires', 'provides', 'supplements'] as const) readDependencies(header, kind);
  findUnsafePath(readFileList(header), isSourcePackage(header));
  readChangelogs(header);
  listSignatures(signature);
  const digests = checkHeaderDigests(file.head);
  const { checked } = await checkPayload(file, unpackWith(bytes));
  return [...digests, ...checked];
}

const refusalOf = (parts: PackageParts): Promise<unknown> => readAll(buildPackage(parts)).then(
  () => 'no refusal',
  (error: unknown) => (isMillraceError(error) ? error.message : error),
);

describe('packages of rpmbuild', () => {
  it.each(compressions)('hold what they declare, with %s', async (compression) => {
    const checked = ['SHA-256', 'SHA-1', 'payload SHA-256', 'unpacked payload SHA-256', 'unpacked size', 'size'];
    expect(await readAll(samplePackage(compression))).toEqual(checked);
  });

  it('read the same whatever the size of chunks', async () => {
    for (const chunk of [1, 7, 96, 100_000]) expect((await open(samplePackage(), chunk)).head.headerRange).toEqual({ start: 4504, end: 7069 });
  });

  it('say what they are', async () => {
    const { header } = (await open(samplePackage())).head;
    expect(readIdentity(header)).toEqual({ name: 'millrace-sample', epoch: 1, version: '1.0~rc1', release: '2', arch: 'noarch' });
    expect(header.string(tag.license)).toBe('MIT');
    expect(isSourcePackage(header)).toBe(false);
    expect(readChangelogs(header)).toEqual([
      { time: 1704110400, author: 'Ada <ada@example.test> - 1:1.0~rc1-2', text: '- Second' },
      { time: 1704024000, author: 'Ada <ada@example.test> - 1:1.0~rc1-1', text: '- First' },
    ]);
    expect(readFileList(header)).toMatchObject({
      digestAlgorithm: 8,
      entries: [
        { path: '/usr/share/millrace', size: 0, digest: '' },
        { path: '/usr/share/millrace/hello.txt', size: 6, mode: 0o100644, digest: sha256(Buffer.from('hello\n')) },
        { path: '/usr/share/millrace/link.txt', link: 'hello.txt' },
      ],
    });
  });

  it('have dependencies, weak and rich ones too', async () => {
    const { header } = (await open(samplePackage())).head;
    const requires = readDependencies(header, 'requires');
    expect(requires.filter(({ name }) => !name.startsWith('rpmlib('))).toEqual([
      { name: '(millrace-a if millrace-b)' },
      { name: '/bin/sh', before: true },
      { name: '/bin/sh', before: true },
      { name: 'millrace-c', comparison: 'GE', version: { epoch: 2, version: '1.0', release: '1' } },
    ].map((dependency, index) => (index === 2 ? expect.objectContaining({ name: '/bin/sh' }) : dependency)));
    expect(requires.filter(isRich)).toHaveLength(1);
    for (const [kind, name] of [['recommends', 'millrace-d'], ['suggests', 'millrace-e'], ['supplements', 'millrace-f'], ['enhances', 'millrace-g']] as const)
      expect(readDependencies(header, kind)).toEqual([{ name }]);
    expect(readDependencies(header, 'conflicts')).toEqual([{ name: 'millrace-h', comparison: 'LT', version: { epoch: 0, version: '1' } }]);
    expect(readDependencies(header, 'obsoletes')).toEqual([{ name: 'millrace-i', comparison: 'LE', version: { epoch: 0, version: '0.9' } }]);
  });
});

describe('packages of the format v6', () => {
  const v6 = (parts: PackageParts = {}): PackageParts => ({
    major: 4,
    tags: [[tag.rpmFormat, [6]], [tag.payloadSha512, '0'.repeat(128)], ...(parts.tags ?? [])],
    ...(parts.signatureTags === undefined ? {} : { signatureTags: parts.signatureTags }),
  });

  it('have digests of more kinds, all of which must hold', async () => {
    expect(await refusalOf(v6())).toBe("the package's payload does not have the SHA-512 digest that its header declares");
    const sha3 = (header: Buffer): [number, string][] => [[signatureTag.sha3Header, '0'.repeat(64)], ...(honestDigests(header) as [number, string][])];
    expect(await refusalOf(v6({ signatureTags: sha3 }))).toContain('SHA3-256 digest that its signature header declares');
  });

  it('list their signatures in base64', () => {
    const packet = Buffer.from([0xc2, 0x15, 4, 0, 1, 8, 0, 5, 4, 0x83, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    packet.set([0, 6, 5, 2, 0x65, 0, 0, 0], 6); // hashed: created at 0x65000000
    const header = parseHeader(buildHeader('signature', [[signatureTag.openpgp, [packet.toString('base64')]]]), 'signature');
    expect(listSignatures(header)).toMatchObject([{ covers: 'header', info: { version: 4, keyAlgorithm: 1, hashAlgorithm: 8, created: 0x65000000, keyId: '' } }]);
  });
});

describe('hostile packages', () => {
  it('are refused at whatever byte they end', async () => {
    const bytes = samplePackage();
    for (let length = 0; length < bytes.length; length += 61) await expect(readAll(bytes.subarray(0, length))).rejects.toThrow(/truncated|not an RPM|payload|size|bytes/);
  });

  it.each<[string, PackageParts, string]>([
    ['another payload', { tags: [[tag.payloadDigest, [sha256(Buffer.from('other'))]]] }, "payload does not have the SHA256 digest".replace('SHA256', 'SHA-256')],
    ['another header', { signatureTags: () => honestDigests(Buffer.from('other')) }, 'header does not have the SHA-256 digest'],
    ['another size', { signatureTags: () => [[signatureTag.size, [1]]] }, 'the signature header declares 1'],
    ['another MD5', { tags: [[tag.payloadDigest, ['']]], signatureTags: () => [[signatureTag.md5, Buffer.alloc(16)]] }, 'does not have the MD5 digest'],
    ['an unknown kind of digest', { tags: [[tag.payloadDigestAlgorithm, [99]]] }, 'unknown kind 99'],
    ['an unknown compression', { tags: [[tag.payloadCompressor, 'arj']] }, 'unknown compression "arj"'],
    ['no name', { tags: [[tag.name, '']] }, 'no valid name'],
    ['a name with a slash', { tags: [[tag.name, '../x']] }, 'no valid name'],
    ['names without flags', { tags: [[tag.requireName, ['a', 'b']], [tag.requireFlags, [0]], [tag.requireVersion, ['', '']]] }, 'requires are damaged'],
    ['files without directories', { tags: [[tag.baseNames, ['a']], [tag.directoryIndexes, [7]], [tag.directoryNames, ['/']]] }, 'directory that is not there'],
    ['changelogs without texts', { tags: [[tag.changelogTime, [1]]] }, 'changelog is damaged'],
    ['a signature that is none', { signatureTags: () => [[signatureTag.rsaHeader, Buffer.from('no signature')]] }, 'no OpenPGP signature'],
    ['too many signatures', { signatureTags: () => [[signatureTag.openpgp, Array.from({ length: 33 }, () => 'AAAA')]] }, 'more than 32 signatures'],
    ['an unknown format', { major: 9 }, 'unknown format version 9'],
  ])('with %s are refused', async (_case, parts, reason) => {
    expect(await refusalOf(parts)).toContain(reason);
  });

  it.each([
    ['more entries than a header can have', [0x7fffffff, 16], 'announces 2147483647 entries'],
    ['more data than a header can have', [2, 0x7fffffff], 'announces 2147483647 bytes'],
    ['no entries', [0, 16], 'is empty'],
  ])('that announce %s are refused before anything is kept', async (_case, sizes, reason) => {
    const intro = Buffer.concat([Buffer.from([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0]), entry(sizes)]);
    await expect(open(Buffer.concat([buildPackage().subarray(0, 96), intro, Buffer.alloc(64)]))).rejects.toThrow(reason);
  });

  it.each([
    ['overlaps another', [[1000, 6, 0, 1], [1001, 6, 0, 1]]],
    ['twice', [[1000, 6, 0, 1], [1000, 6, 2, 1]]],
    ['past the end', [[1000, 8, 0, 5]]],
    ['claims', [[1000, 4, 0, 0x7fffffff]]],
    ['impossible place', [[1000, 4, 1, 1]]],
    ['impossible place', [[1000, 6, 0x7fffffff, 1]]],
    ['unknown type', [[1000, 77, 0, 1]]],
    ['more than one string', [[1000, 6, 0, 2]]],
  ])('have no entry that is said to be: %s', (reason, entries) => {
    const store = Buffer.from('a\0b\0c\0');
    const header = Buffer.concat([Buffer.from([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0]), entry([entries.length, store.length]), ...entries.map(entry), store]);
    expect(() => parseHeader(header, 'main')).toThrow(reason);
  });

  it('have no tag of more values than any package has', () => {
    const store = Buffer.alloc(3_000_000);
    const header = Buffer.concat([Buffer.from([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0]), entry([1, store.length]), entry([tag.baseNames, 8, 0, 2_500_000]), store]);
    expect(() => parseHeader(header, 'main')).toThrow('has more than 2000000 values');
  });

  it('keep nothing outside of the region that is signed', () => {
    const header = buildHeader('main', [[tag.name, 'x'], [tag.version, '1']]);
    header.writeInt32BE(-32, header.length - 8);
    expect(() => parseHeader(header, 'main')).toThrow('outside of its immutable region');
    header.writeInt32BE(-33, header.length - 8);
    expect(() => parseHeader(header, 'main')).toThrow('region is damaged');
  });

  it('are told by paths that lead elsewhere', () => {
    const list = (...paths: readonly string[]) => ({ digestAlgorithm: 8, entries: paths.map((path) => ({ path, mode: 0, size: 0, digest: '', flags: 0, link: '' })) });
    expect(findUnsafePath(list('/usr/bin/x', '/a..b/..c', '/', '/a//b/./c'), false)).toBeUndefined();
    for (const path of ['usr/bin/x', '/usr/../etc/passwd', '/..', '']) expect(findUnsafePath(list('/x', path), false)).toBe(path);
    for (const path of ['/x', '..', 'a/b', '']) expect(findUnsafePath(list('x.spec', path), true)).toBe(path);
  });

  it('are always read or refused with a reason, whatever bytes are changed', async () => {
    const original = buildPackage({ tags: [[tag.requireName, ['a']], [tag.requireFlags, [8]], [tag.requireVersion, ['1']], [tag.baseNames, ['b']], [tag.directoryIndexes, [0]], [tag.directoryNames, ['/a/']]] });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), async (changes) => {
        const bytes = Buffer.from(original);
        for (const [at, value] of changes) bytes[at] = value;
        await readAll(bytes).catch((error: unknown) => expect(isMillraceError(error)).toBe(true));
      }),
      { numRuns: 400 },
    );
  });
});

describe('signature packets', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['no packet', Buffer.from([0x02, 1, 4])],
    ['a packet of another kind', Buffer.from([0xc6, 8, 4, 0, 1, 8, 0, 0, 0, 0])],
    ['a length past the end', Buffer.from([0xc2, 99, 4, 0, 1, 8, 0, 0, 0, 0])],
    ['subpackets past the end', Buffer.from([0xc2, 8, 4, 0, 1, 8, 9, 9, 0, 0])],
    ['an unknown version', Buffer.from([0xc2, 8, 9, 0, 1, 8, 0, 0, 0, 0])],
    ['a subpacket of no length', Buffer.from([0xc2, 9, 4, 0, 1, 8, 0, 1, 0, 0, 0])],
  ])('of %s are refused', (_case, bytes) => {
    expect(() => parseSignaturePacket(bytes)).toThrow('signature');
  });
});
