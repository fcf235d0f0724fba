import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { InspectionContext } from '../../inspection/inspector.js';
import { buildTar } from '../__fixtures__/build-tar.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { buildTarball, digests, hexFile, otherKey, packageDocument, sampleMetadata, signed, type ReleaseFields } from './__fixtures__/sample-hex.js';
import { readErlangTerms } from './erlang-terms.js';

const rebar = { 'user-agent': 'hex_core/0.7.1 (rebar3/3.19.0) (httpc) (OTP/25) (erts/13.1.5)' };
const repository = 'https://registry.example/repo/';
const packageUrl = `${repository}packages/millrace_sample`;
const tarballUrl = `${repository}tarballs/millrace_sample-1.0.0.tar`;
const real = hexFile('millrace_sample-1.0.0.tar');
const document = hexFile('package');
const key = hexFile('public-key.pem').toString();

const configured = (value: unknown, context = createContext()): InspectionContext => ({ ...context, configuration: { hex: { 'public-key': value } } });

async function registryOpinion(bytes: Buffer, context = createContext(), url = packageUrl): Promise<string> {
  const { inspections } = await inspect(createRequest(url, rebar), { bytes }, context);
  return `${inspections['hex.registry']?.opinion}: ${inspections['hex.registry']?.reason}`;
}

async function learn(context: InspectionContext, releases: readonly ReleaseFields[], url = packageUrl): Promise<void> {
  expect(await registryOpinion(signed(packageDocument(releases)), context, url)).toMatch(/^Approved/);
}

async function opinionOn(bytes: Buffer, context = createContext(), url = tarballUrl): Promise<string> {
  const { inspections } = await inspect(createRequest(url, rebar), { bytes }, context);
  return `${inspections['hex.tarball']?.opinion}: ${inspections['hex.tarball']?.reason}`;
}

describe('hex.registry', () => {
  it('approves the document of the package that was asked for, and verifies who signed it', async () => {
    const result = await inspect(createRequest(packageUrl, rebar), { bytes: document }, configured([key]));
    expect(result).toMatchObject({
      verdict: 'Approved',
      inspections: { 'hex.registry': { reason: 'valid document of a Hex package', annotations: { repository: 'hexpm', releases: 1, remembered: 1, retired: 0 } } },
      metadata: { type: 'application/x.hex.registry', name: 'millrace_sample', purl: 'pkg:hex/millrace_sample', signedBy: expect.stringMatching(/^rsa:[0-9a-f]{64}$/) },
    });
  });

  it('says that it did not check the signature when there is no key', async () => {
    expect(await registryOpinion(document)).toBe('Approved: valid document of a Hex package; its signature was not checked, because no key is configured (hex.public-key)');
    expect(await registryOpinion(gunzipSync(document))).toContain('Approved');
  });

  it('rejects a document that none of the configured keys signed', async () => {
    expect(await registryOpinion(document, configured(otherKey.publicKey))).toContain('Rejected: the document of the Hex repository is not signed by a key');
    expect(await registryOpinion(document, configured([otherKey.publicKey, key]))).toMatch(/^Approved/);
    const payload = packageDocument([{ inner: 'ab'.repeat(32) }]);
    expect(await registryOpinion(gzipSync(Buffer.concat([Buffer.from([10, payload.length]), payload])), configured(key))).toMatch(/^Rejected: .*not signed/);
    for (const wrong of ['x', 7, [key, 'x']]) expect(await registryOpinion(document, configured(wrong))).toContain('"hex.public-key" of the inspectors configuration');
  });

  const inner = 'ab'.repeat(32);
  it.each([
    ['of another package', signed(packageDocument([{ inner }], 'other')), 'is not that of millrace_sample'],
    ['with a release twice', signed(packageDocument([{ inner }, { inner }])), 'without a version of its own'],
    ['with a version that is none', signed(packageDocument([{ inner, version: '1' }])), 'without a version of its own'],
    ['with half a checksum', signed(packageDocument([{ inner: 'abcd' }])), 'no SHA-256'],
    ['with half an outer checksum', signed(packageDocument([{ inner, outer: 'abcd' }])), 'no SHA-256'],
    ['that is no protobuf message', gzipSync('<html></html>'), 'protobuf message is malformed'],
    ['that is cut off', document.subarray(0, 200), 'not a sound gzip'],
    ['that unpacks to far more', gzipSync(Buffer.alloc(80 * 1024 * 1024)), 'unpacks to more than'],
    ['of HTML', Buffer.from('<html></html>'), 'malformed'],
  ])('rejects a document %s', async (_case, bytes, reason) => {
    expect(await registryOpinion(bytes)).toMatch(/^Rejected: /);
    expect(await registryOpinion(bytes)).toContain(reason);
  });

  it('approves the lists of names and of versions', async () => {
    for (const kind of ['names', 'versions'])
      expect(await registryOpinion(hexFile(kind), configured(key), repository + kind)).toBe(`Approved: valid list of ${kind} of a Hex repository`);
    expect(await registryOpinion(signed(packageDocument([{ inner }])), createContext(), `${repository}names`)).toMatch(/^Rejected: /);
  });

  it('has no say on other documents at such a path, but on packages whoever asks', async () => {
    const asked = async (url: string, bytes: Buffer): Promise<string[]> => Object.keys((await inspect(createRequest(url), { bytes }, createContext())).inspections);
    expect(await asked(packageUrl, Buffer.from('{}'))).toEqual(['default']);
    expect(await asked(`${repository}names`, hexFile('names'))).toEqual(['default']);
    expect(await asked(packageUrl, document)).toEqual(['hex.registry']);
  });

  it('always has an opinion, and never approves a changed document with a key', async () => {
    const plain = gunzipSync(document);
    await fc.assert(
      fc.asyncProperty(fc.nat(plain.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(plain);
        changed[at] = (changed[at] as number) ^ change;
        expect(await registryOpinion(gzipSync(changed), configured(key))).toMatch(/^Rejected: (?!the inspection failed)/);
        expect(await registryOpinion(gzipSync(changed))).not.toContain('the inspection failed');
      }),
      { numRuns: 200 },
    );
  });
});

describe('hex.tarball', () => {
  it('approves a tarball that a signed document declares, and tells what it is', async () => {
    const context = configured(key);
    expect(await registryOpinion(document, context)).toMatch(/^Approved/);
    expect(await inspect(createRequest(tarballUrl, rebar), { bytes: real }, context)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'hex.tarball': { reason: 'valid Hex package', annotations: { 'declared-by': ['https://registry.example:443/repo/'], 'checked-digest': 'sha256', retired: false } } },
      metadata: {
        type: 'application/x.hex.package',
        name: 'millrace_sample',
        version: '1.0.0',
        license: 'MIT OR Apache-2.0',
        description: 'A sample "one" with µ.',
        vendor: 'https://example.test/sample',
        purl: 'pkg:hex/millrace_sample@1.0.0',
        signedBy: expect.stringMatching(/^rsa:/),
      },
    });
  });

  it('goes by the inner checksum where a document has no other, and notes what was retired', async () => {
    const tarball = buildTarball();
    const context = createContext();
    await learn(context, [{ inner: digests(tarball).inner, retired: true }]);
    expect(await opinionOn(tarball, context)).toContain('Approved: valid Hex package, but its release was retired, by a document whose signature was not checked');
  });

  it('rejects another checksum, another URL, and holds a repository to its own word', async () => {
    const context = createContext();
    const tarball = buildTarball();
    await learn(context, [digests(real)]);
    await learn(context, [digests(tarball)], 'https://other.example/packages/millrace_sample');
    expect(await opinionOn(tarball, context)).toBe("Rejected: the tarball's SHA-256 checksum is not the one that the package document declares");
    expect(await opinionOn(tarball, context, 'https://other.example/tarballs/millrace_sample-1.0.0.tar')).toMatch(/^Approved/);
    expect(await opinionOn(real, context, `${repository}tarballs/millrace_sample-2.0.0.tar`)).toContain('its URL is that of millrace_sample 2.0.0');
  });

  it('asks the repository itself when nobody has declared the package yet, and says Unknown when that does not help', async () => {
    const context = createContext();
    const consult = async (url: string): Promise<'approved'> => {
      await inspect(createRequest(url), { bytes: document }, context);
      return 'approved';
    };
    expect(await opinionOn(real, { ...context, consult })).toMatch(/^Approved/);
    expect(await opinionOn(real, { ...createContext(), consult: async () => 'unreachable' })).toMatch(/^Unknown: .*no package document of this session declares millrace_sample 1\.0\.0/);
  });

  it.each([
    ['cut off', real.subarray(0, 3000), 'truncated'],
    ['that is no tar', gzipSync('x'), 'archive'],
    ['without contents', buildTar([{ name: 'VERSION', content: '3' }]), 'has no CHECKSUM'],
    ['of another format', buildTarball({ format: '2' }), 'not of version 3'],
    ['with another checksum inside', buildTarball({ checksum: '0'.repeat(64) }), 'not the one that it declares itself'],
    ['with a member twice', buildTarball({ members: [{ name: 'VERSION', content: '3' }] }), 'twice'],
    ['with a name that leads outside', buildTarball({ files: [{ name: 'a/../../evil', content: 'x' }] }), 'leaves the archive'],
    ['with metadata of no release', buildTarball({ metadata: '{<<"name">>,<<"x">>}.\n' }), 'no valid name and version'],
    ['with a key twice', buildTarball({ metadata: `${sampleMetadata}{<<"name">>,<<"x">>}.\n` }), '"name" twice'],
    ['with metadata that nest deeply', buildTarball({ metadata: '['.repeat(5000) }), 'nested deeper'],
    ['with metadata that call', buildTarball({ metadata: '{<<"name">>, os:cmd("x")}.\n' }), 'something unexpected'],
    ['that unpacks to far more', buildTarball({ files: [{ name: 'bomb', content: Buffer.alloc(80 * 1024 * 1024) }] }), 'times its size'],
  ])('rejects a tarball %s', async (_case, bytes, reason) => {
    expect(await opinionOn(bytes)).toMatch(/^Rejected: /);
    expect(await opinionOn(bytes)).toContain(reason);
  });

  it('never approves a declared tarball with bytes changed, and never fails otherwise than by an opinion', async () => {
    const context = createContext();
    await learn(context, [digests(real)]);
    await fc.assert(
      fc.asyncProperty(fc.nat(real.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(real);
        changed[at] = (changed[at] as number) ^ change;
        expect(await opinionOn(changed, context)).toMatch(/^(?:Rejected|Unknown): (?!the inspection failed)/);
      }),
      { numRuns: 150 },
    );
  });
});

describe('readErlangTerms', () => {
  it.each<[string, unknown]>([
    ['', []],
    ['% a comment\n{<<>>, [], {}, -12, true, \'A b\'}. ', [['', [], [], -12, { atom: 'true' }, { atom: 'A b' }]]],
    [String.raw`<<"a\"b\\\n\x{263a}\x41\101µ" "c"/utf8>>.`, ['a"b\\\n☺AAµc']],
    ['[<<"a">>,"b"].\n%end', [['a', 'b']]],
  ])('reads %j', (text, terms) => expect(readErlangTerms(Buffer.from(text))).toEqual(terms));

  it.each(['a', '{a', '<<1>>.', '"abc', '"abc\\', '#{}.', 'fun() -> ok end.', '{a,}.', '"\\x{110000}".', 'A.'])('refuses %j', (text) => expect(() => readErlangTerms(Buffer.from(text))).toThrow('the metadata'));

  it('never fails otherwise than by a reason', () => {
    const seed = tarMetadata();
    fc.assert(
      fc.property(fc.nat(seed.length - 1), fc.string({ maxLength: 4 }), (at, text) => {
        const changed = Buffer.concat([seed.subarray(0, at), Buffer.from(text), seed.subarray(at + text.length)]);
        try {
          readErlangTerms(changed);
        } catch (error) {
          expect(isMillraceError(error)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function tarMetadata(): Buffer {
  const start = real.indexOf('{<<"app">>');
  return real.subarray(start, real.indexOf(0, start));
}
