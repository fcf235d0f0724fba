import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError, MillraceError } from '../../errors/millrace-error.js';
import { createSigner, type Signer } from '../../inspectors/rpm/__fixtures__/openpgp.js';
import { buildPackage, honestDigests, sha256, type PackageParts, type Tags } from '../../rpm/__fixtures__/build-package.js';
import { compressions, samplePackage } from '../../rpm/__fixtures__/sample-package.js';
import { signatureTag, tag } from '../../rpm/package/tags.js';
import { decodeDescription } from '../../rpm-repository/package-record.js';
import type { InspectedPackage } from '../package-format.js';
import { bytesOf, settingsWith } from './__fixtures__/index-job.js';
import { rpmFormat } from './rpm-format.js';

const inspect = (content: Buffer, settings = settingsWith()): Promise<InspectedPackage> => rpmFormat.inspect(bytesOf(content), { sha256: sha256(content), settings });

const refusalOf = (content: Buffer, settings = settingsWith()): Promise<string> =>
  inspect(content, settings).then(
    ({ key }) => `taken as ${key}`,
    (error: unknown) => (isMillraceError(error) && error.code === 'package-invalid' ? error.message : `another error: ${String(error)}`),
  );

describe('a package', () => {
  it.each(compressions)('of rpmbuild is what its header says, with %s', async (compression) => {
    const { metadata, ...said } = await inspect(samplePackage(compression));
    expect(said).toEqual({ key: 'millrace-sample-1.0~rc1-2.noarch.rpm', name: 'millrace-sample', version: '1:1.0~rc1-2', architecture: 'noarch' });
    expect(decodeDescription(metadata)).toMatchObject({ name: 'millrace-sample', epoch: 1, size: samplePackage(compression).length });
  });

  it('lies at a place that is made of what it is', async () => {
    const inspected = await inspect(buildPackage({ tags: [[tag.name, 'Libstdc++']] }));
    expect(rpmFormat.pathOf(inspected, 'ignored')).toBe('Packages/l/Libstdc++-1.0-1.noarch.rpm');
    expect(rpmFormat.obsoletePathOf('Packages/l/x.rpm')).toBe('.obsolete/Packages/l/x.rpm');
  });

  it('says the same whether its headers fit into the first range or not', async () => {
    const files = Array.from({ length: 20_000 }, (_, index) => `a-file-with-a-name-${index}`);
    const large = buildPackage({
      tags: [[tag.baseNames, files], [tag.directoryNames, ['/usr/share/x/']], [tag.directoryIndexes, files.map(() => 0)], [tag.fileModes, Uint16Array.from(files, () => 0o100644)], [tag.fileFlags, files.map(() => 0)]],
      payload: Buffer.alloc(9_000_000, 'p'),
    });
    const bytes = bytesOf(large);
    const { metadata } = await rpmFormat.inspect(bytes, { sha256: sha256(large), settings: settingsWith() });
    expect(rpmFormat.relations(metadata).provides).toContainEqual({ name: '/usr/share/x/a-file-with-a-name-19999' });
    // Each byte once, and never the whole package.
    expect(bytes.asked.reduce((sum, length) => sum + length, 0)).toBe(large.length);
    expect(Math.max(...bytes.asked)).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  it('is the same to metadata however it was called when it was uploaded, and another with other bytes', async () => {
    const [one, other] = [await inspect(buildPackage()), await inspect(buildPackage({ payload: Buffer.from('another') }))];
    expect(one.key).toBe(other.key);
    expect(one.metadata.equals(other.metadata)).toBe(false);
  });
});

describe('hostile packages', () => {
  it('of a quarter of a megabyte do not unfold to more than strings hold', async () => {
    const names = Array.from({ length: 16_000 }, (_, index) => `f${index}`);
    const lists: Tags = [[tag.baseNames, names], [tag.directoryIndexes, names.map(() => 0)], [tag.fileModes, Uint16Array.from(names, () => 0o100644)], [tag.fileFlags, names.map(() => 0)]];
    const unfolding = (directory: string): Buffer => buildPackage({ tags: [...lists, [tag.directoryNames, [directory]]] });
    expect(await refusalOf(unfolding(`/usr/${'&'.repeat(16_000)}/`))).toContain('has more than 67108864 bytes of paths');
    expect(await refusalOf(unfolding(`/usr/bin/${'&'.repeat(4000)}/`))).toMatch(/would list more than \d{7} characters/);
    // Hundreds of such are in memory at once when an index is written.
    expect(await refusalOf(unfolding(`/usr/${'b'.repeat(300)}/`))).toMatch(/would list more than \d{7} characters/);
    expect(await refusalOf(unfolding(`/usr/${'b'.repeat(60)}/`))).toContain('taken as');
  });

  const sample = samplePackage();
  const withIntro = (entries: number, size: number): Buffer => {
    const bytes = Buffer.from(sample);
    bytes.writeUInt32BE(entries, 104);
    bytes.writeUInt32BE(size, 108);
    return bytes;
  };

  it.each<[string, Buffer, string]>([
    ['nothing at all', Buffer.alloc(0), 'not an RPM package'],
    ['another file', Buffer.from(`<!doctype html>${'x'.repeat(500)}`), 'not an RPM package'],
    ['absurdly many entries', withIntro(0x7fffffff, 16), 'announces 2147483647 entries'],
    ['an absurd size', withIntro(7, 0x7fffffff), 'announces 2147483647 bytes'],
    ['a size that the file does not have', withIntro(7, 60 * 1024 * 1024), 'truncated'],
    ['a tag twice', twice(), 'tag 1001 twice'],
  ])('that are %s are refused', async (_what, content, reason) => {
    expect(await refusalOf(content)).toContain(reason);
  });

  it.each<[string, PackageParts, string]>([
    ['a name that leads elsewhere', { tags: [[tag.name, '../../etc/passwd']] }, 'no valid name'],
    ['a name of dots', { tags: [[tag.name, '..']] }, 'has the name ".."'],
    ['a name that looks like an option', { tags: [[tag.name, '-rf']] }, 'has the name "-rf"'],
    ['a name with a query', { tags: [[tag.name, 'a?b#c%2e']] }, 'has the name'],
    ['a version of two parts', { tags: [[tag.version, '1-2']] }, 'has the version "1-2"'],
    ['a release of two parts', { tags: [[tag.release, '1-2']] }, 'has the release "1-2"'],
    ['an architecture of two parts', { tags: [[tag.arch, 'x86_64.rpm']] }, 'has the architecture "x86_64.rpm"'],
    ['a name that no file can have', { tags: [[tag.name, 'n'.repeat(300)]] }, 'more than the 255 of a file name'],
    ['a file that leads elsewhere', { tags: [[tag.baseNames, ['passwd']], [tag.directoryIndexes, [0]], [tag.directoryNames, ['/usr/../etc/']], [tag.fileModes, new Uint16Array([0o100644])], [tag.fileFlags, [0]]] }, 'which no sound package has'],
    ['a file that no metadata can name', { tags: [[tag.baseNames, ['a\u0001b']], [tag.directoryIndexes, [0]], [tag.directoryNames, ['/usr/']], [tag.fileModes, new Uint16Array([0o100644])], [tag.fileFlags, [0]]] }, 'characters that repository metadata cannot hold'],
    ['no digest of its header', { signatureTags: () => [[signatureTag.size, [1]]] }, 'no digest of its header'],
    ['no digest of its payload', { tags: [[tag.payloadDigest, ['']]] }, 'no digest of its payload'],
    ['another header than was digested', { signatureTags: () => honestDigests(Buffer.from('other')) }, 'header does not have the SHA-256 digest'],
    ['another payload than its header declares', { tags: [[tag.payloadDigest, [sha256(Buffer.from('other'))]]] }, 'payload does not have the SHA-256 digest'],
    ['dependencies in disorder', { tags: [[tag.requireName, ['a', 'b']], [tag.requireFlags, [0]], [tag.requireVersion, ['', '']]] }, 'requires are damaged'],
  ])('with %s are refused', async (_what, parts, reason) => {
    expect(await refusalOf(buildPackage(parts))).toContain(reason);
  });

  it('are refused where more is to be said of them than is ever kept', async () => {
    const names = Array.from({ length: 200_000 }, () => 'f'.repeat(100));
    const tags: Tags = [[tag.baseNames, names], [tag.directoryNames, [`/${'d'.repeat(80)}/`]], [tag.directoryIndexes, names.map(() => 0)], [tag.fileModes, Uint16Array.from(names, () => 0o100644)], [tag.fileFlags, names.map(() => 0)]];
    expect(await refusalOf(buildPackage({ tags }))).toContain('more than 16777216 characters');
  });

  it('are refused at whatever byte they end', async () => {
    for (let length = 0; length < sample.length; length += 97) expect(await refusalOf(sample.subarray(0, length))).toMatch(/truncated|not an RPM|payload|header and payload have/);
  });

  it('are taken or refused with a reason, whatever bytes are changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), async (changes) => {
        const content = Buffer.from(sample);
        for (const [at, value] of changes) content[at] = value;
        expect(await refusalOf(content)).not.toContain('another error');
      }),
      { numRuns: 200 },
    );
  });

  it('never have an error of the store taken for theirs', async () => {
    const bytes = bytesOf(sample);
    const failing = { ...bytes, read: async (offset: number, length: number) => (offset === 0 ? bytes.read(0, Math.min(length, 1000)) : Promise.reject(new MillraceError('storage-unavailable', 'the bucket is away'))) };
    await expect(rpmFormat.inspect(failing, { sha256: sha256(sample), settings: settingsWith() })).rejects.toMatchObject({ code: 'storage-unavailable' });
  });
});

/** A header with the same tag twice, which `buildPackage` cannot make: the second of two neighbours is renamed to the first. */
function twice(): Buffer {
  const content = buildPackage();
  const [version, release] = [Buffer.alloc(4), Buffer.alloc(4)];
  version.writeUInt32BE(tag.version);
  release.writeUInt32BE(tag.release);
  version.copy(content, content.indexOf(release, content.indexOf(version)));
  return content;
}

describe('signatures', () => {
  let vendor: Signer;
  let stranger: Signer;
  beforeAll(async () => {
    [vendor, stranger] = await Promise.all([createSigner(), createSigner()]);
  }, 60_000);

  const header = ((): Buffer => {
    const seen: Buffer[] = [];
    buildPackage({ signatureTags: (bytes) => (seen.push(bytes), honestDigests(bytes)) });
    return Buffer.concat(seen);
  })();
  const signedWith = (packet: Buffer, parts: PackageParts = {}): Buffer => buildPackage({ ...parts, signatureTags: (bytes) => [...honestDigests(bytes), [signatureTag.rsaHeader, packet]] });
  const id = (signer: Signer): string => signer.fingerprint.slice(-16);

  it('are compared by key ids where no public key is known', async () => {
    const settings = settingsWith({ packageKeys: [id(vendor)] });
    expect(await refusalOf(signedWith(await vendor.sign(header)), settings)).toBe('taken as built-1.0-1.noarch.rpm');
    expect(await refusalOf(signedWith(await stranger.sign(header)), settings)).toContain(`is signed by ${id(stranger)}`);
    expect(await refusalOf(buildPackage(), settings)).toContain('the package is not signed');
  });

  it('have to hold where the public key is known, and not only name it', async () => {
    const settings = settingsWith({ packageKeys: [id(vendor)], packagePublicKeys: vendor.publicKey });
    expect(await refusalOf(signedWith(await vendor.sign(header)), settings)).toContain('taken as');
    expect(await refusalOf(signedWith(vendor.signVersion3(header)), settings)).toContain('taken as');
    const ofAnother = signedWith(await vendor.sign(Buffer.from('another header')));
    expect(await refusalOf(ofAnother, settings)).toContain('a signature of the package does not hold');
    // Which is why ids alone are a convention, no protection.
    expect(await refusalOf(ofAnother, settingsWith({ packageKeys: [id(vendor)] }))).toContain('taken as');
    expect(await refusalOf(buildPackage(), settings)).toContain('the package is not signed');
  });

  it('by a known key that this repository does not take are not enough', async () => {
    const settings = settingsWith({ packageKeys: [id(vendor)], packagePublicKeys: `${vendor.publicKey}\n${stranger.publicKey}` });
    expect(await refusalOf(signedWith(await stranger.sign(header)), settings)).toContain('no key that the repository takes packages of');
  });

  it('do not cover for a payload that was swapped after signing', async () => {
    const signed = signedWith(await vendor.sign(header));
    const swapped = Buffer.concat([signed.subarray(0, signed.length - 'payload'.length), Buffer.from('PAYLOAD')]);
    expect(await refusalOf(swapped, settingsWith({ packagePublicKeys: vendor.publicKey }))).toContain('payload does not have the SHA-256 digest');
  });

  it('are no reason to blame the package for public keys that cannot be read', async () => {
    await expect(inspect(buildPackage(), settingsWith({ packagePublicKeys: 'no key' }))).rejects.toMatchObject({ code: 'invalid-setting' });
  });
});

describe('versions', () => {
  it.each([
    ['1.0-1', '1.0-2', -1],
    ['1:0.1-1', '9-9', 1],
    ['1.0~rc1-1', '1.0-1', -1],
    ['1.0^git1-1', '1.0-1', 1],
    ['2.10-1', '2.9-1', 1],
    ['1.0-1', '0:1.0-1', 0],
  ])('%s and %s compare as rpm has it', (one, other, expected) => {
    expect(rpmFormat.compareVersions(one, other)).toBe(expected);
  });
});
