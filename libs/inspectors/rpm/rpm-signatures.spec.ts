import { beforeAll, describe, expect, it } from '@jest/globals';
import { honestDigests, sha256, type Tags } from '../../rpm/__fixtures__/build-package.js';
import { signatureTag } from '../../rpm/package/tags.js';
import { createContext } from '../__fixtures__/exchange.js';
import { createSigner, type Signer } from './__fixtures__/openpgp.js';
import { buildRepository, type SamplePackage } from './__fixtures__/repository.js';
import { base, configured, consulting, get, learn, said, samplePackage } from './__fixtures__/scene.js';

let vendor: Signer;
let stranger: Signer;
beforeAll(async () => {
  [vendor, stranger] = await Promise.all([createSigner(), createSigner()]);
}, 60_000);

const unsigned = samplePackage();
const header = headerOf();

function headerOf(): Buffer {
  const seen: Buffer[] = [];
  samplePackage('1.0', { signatureTags: (bytes) => (seen.push(bytes), honestDigests(bytes)) });
  return Buffer.concat(seen);
}

/** The same package, with these tags beside the digest of its header. */
function signedWith(...tags: Tags): SamplePackage {
  return samplePackage('1.0', { signatureTags: (bytes) => [...honestDigests(bytes), ...tags] });
}

describe('packages of a repository with a configured key', () => {
  it('are approved with its signature, of each kind', async () => {
    const packet = await vendor.sign(header);
    const kinds = {
      'version 4': signedWith([signatureTag.rsaHeader, packet]),
      'version 3': signedWith([signatureTag.rsaHeader, vendor.signVersion3(header)]),
      'format v6': signedWith([signatureTag.openpgp, [packet.toString('base64')]]),
      'a stranger too': signedWith([signatureTag.openpgp, [(await stranger.sign(header)).toString('base64'), packet.toString('base64')]]),
    };
    for (const [kind, sample] of Object.entries(kinds)) {
      const context = configured(vendor.publicKey);
      await learn(buildRepository([sample]), context);
      const result = await get(base + sample.href, sample.bytes, context);
      expect([kind, said(result)]).toEqual([kind, 'rpm.package Approved: valid package, signed by a configured key, with the digest that its repository declares']);
      expect(result.metadata.signedBy).toBe(`openpgp:${vendor.fingerprint}`);
      expect(result.inspections['rpm.package']?.annotations?.['signature-keys']).toContain(vendor.fingerprint.slice(-16));
    }
  }, 30_000);

  it('are approved by their signature alone where nobody declares them', async () => {
    const sample = signedWith([signatureTag.rsaHeader, await vendor.sign(header)]);
    expect(said(await get(base + sample.href, sample.bytes, configured(vendor.publicKey)))).toBe('rpm.package Approved: valid package, signed by a configured key');
    // Elsewhere the key is not believed.
    expect(said(await get(`https://other.example/${sample.href}`, sample.bytes, configured(vendor.publicKey)))).toContain('Unknown');
    const glob = configured(vendor.publicKey, ['https://*.example:443/**']);
    expect(said(await get(`https://other.example/${sample.href}`, sample.bytes, glob))).toContain('Approved');
  });

  it('are refused without it', async () => {
    const cases: readonly (readonly [SamplePackage, string])[] = [
      [unsigned, 'neither the package nor the repomd.xml is signed by it: it has no signature'],
      [signedWith([signatureTag.rsaHeader, await stranger.sign(header)]), `${stranger.fingerprint.slice(-16)}: the key is not known here`],
      [signedWith([signatureTag.rsaHeader, stranger.signVersion3(header)]), 'the key is not known here'],
      [signedWith([signatureTag.rsaHeader, await vendor.sign(Buffer.from('another header'))]), 'a signature of the package does not hold'],
      [signedWith([signatureTag.rsaHeader, vendor.signVersion3(Buffer.from('another header'))]), 'the signature does not fit the header'],
      [signedWith([signatureTag.gpg, await vendor.sign(header)]), 'it has no signature over its header'],
    ];
    for (const [sample, reason] of cases) {
      const context = configured(vendor.publicKey);
      await learn(buildRepository([sample]), context);
      expect(said(await get(base + sample.href, sample.bytes, context))).toMatch(new RegExp(`^rpm.package Rejected: .*${reason}`));
    }
  });

  it('are approved without one of their own when the repomd.xml is signed', async () => {
    const repository = buildRepository([unsigned]);
    const signature = await vendor.armoredSignature(repository.repomd);
    const { context, asked } = consulting(new Map([[`${base}repodata/repomd.xml.asc`, signature]]), configured(vendor.publicKey));
    const repomd = await get(`${base}repodata/repomd.xml`, repository.repomd, context);
    expect(said(repomd)).toBe('rpm.repomd Approved: valid repository index, signed by a configured key');
    expect(asked).toEqual(['https://repo.example:443/os/repodata/repomd.xml.asc']);
    const primary = await get(base + repository.primaryPath, repository.primary, context);
    const result = await get(base + unsigned.href, unsigned.bytes, context);
    for (const { metadata, verdict } of [repomd, primary, result]) expect([verdict, metadata.signedBy]).toEqual(['Approved', `openpgp:${vendor.fingerprint}`]);
  });

  it('have no repomd.xml with a signature that does not hold; one of a stranger counts as none', async () => {
    const repository = buildRepository([unsigned]);
    const inspected = async (signature: Buffer): Promise<string> => {
      const { context } = consulting(new Map([[`${base}repodata/repomd.xml.asc`, signature]]), configured(vendor.publicKey));
      return said(await get(`${base}repodata/repomd.xml`, repository.repomd, context));
    };
    expect(await inspected(await vendor.armoredSignature(Buffer.from('another repomd.xml')))).toContain('Rejected: the signature of the repomd.xml does not hold');
    expect(await inspected(await stranger.armoredSignature(repository.repomd))).toContain('Approved: valid repository index; it is not signed, so each of its packages has to be signed');
    expect(await inspected(Buffer.from('no signature'))).toContain('it is not signed');
  });

  it.each([
    ['no urls', { 'public-key': 'x' }],
    ['no key', { urls: [base] }],
    ['a key that is none', { urls: [base], 'public-key': 'x' }],
    ['nothing', 1],
  ])('refuse a configuration with %s', async (_case, sample) => {
    const context = { ...createContext(), configuration: { rpm: { repositories: { sample } } } };
    expect(said(await get(`${base}repodata/repomd.xml`, buildRepository([unsigned]).repomd, context))).toMatch(/Rejected: .*(?:needs "urls"|public key)/);
  });
});

describe('keys and signatures by themselves', () => {
  it('are approved when they can be read', async () => {
    const key = await get(`${base}RPM-GPG-KEY-sample`, Buffer.from(vendor.publicKey), createContext());
    expect(key).toMatchObject({ verdict: 'Approved', inspections: { 'rpm.key': { annotations: { fingerprints: [vendor.fingerprint] } } }, metadata: { type: 'application/pgp-keys' } });
    expect(said(await get(`${base}repodata/repomd.xml.key`, Buffer.from('no key'), createContext()))).toContain('Rejected');
    expect((await get(`${base}repodata/repomd.xml.asc`, await vendor.armoredSignature(Buffer.from('x')), createContext())).verdict).toBe('Approved');
    expect(said(await get(`${base}repodata/repomd.xml.asc`, Buffer.from('-----BEGIN PGP MESSAGE-----'), createContext()))).toContain('Rejected');
  });
});

describe('lists of mirrors', () => {
  const url = 'https://mirrors.example/metalink?repo=sample&arch=x86_64';
  const repository = buildRepository([unsigned]);
  const metalink = (...digests: readonly string[]): Buffer => {
    const [newest, ...older] = digests.map((hex) => `<verification><hash type="sha256">${hex}</hash></verification>`);
    const alternates = older.map((hashes) => `<mm0:alternate>${hashes}</mm0:alternate>`).join('');
    return Buffer.from(
      `<metalink xmlns:mm0="x"><files><file name="repomd.xml">${newest}<mm0:alternates>${alternates}</mm0:alternates><resources><url>${base}repodata/repomd.xml</url></resources></file></files></metalink>`,
    );
  };

  it('bind the repomd.xml of each mirror to their digests', async () => {
    const context = createContext();
    expect(said(await get(url, metalink('0'.repeat(64), sha256(repository.repomd)), context))).toContain('Approved: valid metalink');
    expect(said(await get(`${base}repodata/repomd.xml`, repository.repomd, context))).toContain('Approved: valid repository index, with the digest that a metalink declares');
    expect((await get(url, metalink('0'.repeat(64)), context)).verdict).toBe('Approved');
    expect(said(await get(`${base}repodata/repomd.xml`, repository.repomd, context))).toContain(`Rejected: the repomd.xml has none of the digests that the metalink ${url.replace('/metalink', ':443/metalink')} declares`);
    expect((await get('https://elsewhere.example/repodata/repomd.xml', repository.repomd, context)).verdict).toBe('Approved');
  });

  it('may be plain text', async () => {
    const list = (text: string) => get('https://mirrors.example/mirrorlist?repo=x&arch=y', Buffer.from(text), createContext());
    expect(await list('# sample\nhttps://one.example/os/\n')).toMatchObject({ verdict: 'Approved', inspections: { 'rpm.metalink': { annotations: { mirrors: 1 } } } });
    for (const text of ['', 'Bad release', 'file:///etc/passwd', '{"name":"metalink"}']) expect(said(await list(text))).toContain('Unknown: this is no list of mirrors');
    expect(said(await list('<metalink/>'))).toContain('Rejected: the metalink is not of a repomd.xml');
  });
});
