import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { InspectionContext } from '../../inspection/inspector.js';
import { buildTar } from '../__fixtures__/build-tar.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { buildGem, infoFile, rubyFile, sampleMetadata, sha256 } from './__fixtures__/sample-gem.js';

const gem = { 'user-agent': 'Ruby, RubyGems/3.3.15 x86_64-linux Ruby/3.1.2 (2022-04-12 patchlevel 20)' };
const bundler = { 'user-agent': 'bundler/2.3.15 rubygems/3.3.15 ruby/3.1.2 (x86_64-pc-linux-gnu) command/install' };
const registry = 'https://registry.example/base/';
const gemUrl = `${registry}gems/millrace-sample-1.0.0.gem`;
const real = rubyFile('millrace-sample-1.0.0.gem');

async function learn(context: InspectionContext, info: string, base = registry): Promise<void> {
  const result = await inspect(createRequest(`${base}info/millrace-sample`, bundler), { bytes: Buffer.from(info) }, context);
  expect(result.verdict).toBe('Approved');
}

async function opinionOn(bytes: Buffer, context = createContext(), url = gemUrl): Promise<string> {
  const result = await inspect(createRequest(url, gem), { bytes }, context);
  const { opinion, reason } = result.inspections['gem.package'] ?? {};
  return `${opinion}: ${reason}`;
}

describe('gem.index', () => {
  it('approves the info file of a gem and counts what it teaches', async () => {
    const result = await inspect(createRequest(`${registry}info/millrace-sample`, gem), { bytes: Buffer.from(infoFile(real)) }, createContext());
    expect(result).toMatchObject({
      verdict: 'Approved',
      inspections: { 'gem.index': { annotations: { releases: 2, remembered: 2, 'with-checksum': 2 } } },
      metadata: { type: 'application/x.gem.info', name: 'millrace-sample', purl: 'pkg:gem/millrace-sample' },
    });
  });

  it.each([
    ['without its separator', '1.0.0 |checksum:abc', 'no line "---"'],
    ['with a version that is none', '---\nx |checksum:abc', 'no valid version'],
    ['with half a checksum', '---\n1.0 |checksum:abc', 'no SHA-256 checksum'],
    ['with two checksums', `---\n1.0 |checksum:${'a'.repeat(64)},checksum:${'b'.repeat(64)}`, 'no SHA-256 checksum'],
    ['with two checksums of a release', `---\n1.0 |checksum:${'a'.repeat(64)}\n1.0 |checksum:${'b'.repeat(64)}`, 'two checksums'],
    ['of HTML', '<html></html>', 'no line "---"'],
  ])('rejects an info file %s', async (_case, text, reason) => {
    const result = await inspect(createRequest(`${registry}info/a`, gem), { bytes: Buffer.from(text) }, createContext());
    expect(result.inspections['gem.index']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });

  it('rejects what is not UTF-8', async () => {
    const result = await inspect(createRequest(`${registry}info/a`, gem), { bytes: Buffer.from('---\n\xff', 'latin1') }, createContext());
    expect(result.inspections['gem.index']?.reason).toContain('not valid UTF-8');
  });

  it('has no say on other documents at such a path, but on info files whoever asks', async () => {
    const url = `${registry}info/sample`;
    expect(Object.keys((await inspect(createRequest(url), { bytes: Buffer.from('{}') }, createContext())).inspections)).toEqual(['default']);
    expect((await inspect(createRequest(url), { bytes: Buffer.from('---\n1.0 |\n') }, createContext())).verdict).toBe('Approved');
    expect(Object.keys((await inspect(createRequest(`${registry}versions`), { bytes: Buffer.from('---\n') }, createContext())).inspections)).toEqual(['default']);
  });

  it.each([
    ['versions', `created_at: 2026-01-01T00:00:00Z\n---\na 1.0,2.0-java ${'0'.repeat(32)}\na -1.0 ${'1'.repeat(32)}\n`, 'Approved'],
    ['versions', '---\na 1.0\n', 'entry 1 of the versions file'],
    ['versions', 'a 1.0\n', 'no line "---"'],
    ['names', '---\na\nb-c\n', 'Approved'],
    ['names', '---\na b\n', 'entry 1 of the names file'],
    ['names', '', 'no line "---"'],
  ])('judges /%s by its lines', async (kind, text, expected) => {
    const { inspections } = await inspect(createRequest(`${registry}${kind}`, bundler), { bytes: Buffer.from(text) }, createContext());
    expect(`${inspections['gem.index']?.opinion} ${inspections['gem.index']?.reason}`).toContain(expected);
  });

  it('approves the empty answer to HEAD, by which gem looks for a registry', async () => {
    const head = createRequest(registry, gem, 'HEAD');
    expect((await inspect(head, { bytes: Buffer.alloc(0) }, createContext())).verdict).toBe('Approved');
    expect((await inspect(head, { bytes: Buffer.from('x') }, createContext())).verdict).toBe('Rejected');
  });
});

describe('gem.spec', () => {
  const gemspec = rubyFile('millrace-sample-1.0.0.gemspec.rz');
  const judge = async (path: string, bytes: Buffer): Promise<string> => {
    const { inspections } = await inspect(createRequest(registry + path, gem), { bytes }, createContext());
    return `${inspections['gem.spec']?.opinion}: ${inspections['gem.spec']?.reason}`;
  };
  const quick = 'quick/Marshal.4.8/millrace-sample-1.0.0.gemspec.rz';

  it('approves what gem generate_index and the dependency API give', async () => {
    expect(await judge(quick, gemspec)).toBe('Approved: valid gem specification');
    expect(await judge('specs.4.8.gz', rubyFile('specs.4.8.gz'))).toBe('Approved: valid index of a gem registry');
    expect(await judge('api/v1/dependencies?gems=a', rubyFile('dependencies.marshal'))).toContain('Approved');
    expect(await judge('api/v1/dependencies', Buffer.alloc(0))).toContain('Approved');
  });

  const marshal = (body: string): Buffer => deflateSync(Buffer.from(`\x04\x08${body}`, 'latin1'));
  const nested = 'u:\x17Gem::Specification\x00';
  it.each([
    ['of another release', 'quick/Marshal.4.8/millrace-sample-1.0.1.gemspec.rz', gemspec, 'but its URL is that of millrace-sample-1.0.1'],
    ['that is cut off', quick, gemspec.subarray(0, 100), 'not sound zlib data'],
    ['that unpacks to far more', quick, deflateSync(Buffer.alloc(16 * 1024 * 1024)), 'more than 8388608 bytes'],
    ['with another class', quick, marshal('o:\x13Gem::Installer\x00'), 'an object of the class "Gem::Installer"'],
    ['with a module', quick, marshal('m\x0bKernel'), 'a value of the type "m"'],
    ['that nests deeply', quick, marshal('[\x06'.repeat(100)), 'nested deeper than 32'],
    ['with an endless array', quick, marshal('[\x04\xff\xff\xff\x7f'), 'truncated'],
    ['with a link to nothing', quick, marshal('@\x0a'), 'refers to a value that it does not have'],
    ['with a symbol that is none', quick, marshal('o;\x0a'), 'refers to a symbol that it does not have'],
    ['in another format', quick, deflateSync('---'), 'not in the Marshal format'],
    ['followed by more', quick, marshal('00'), 'data after its end'],
    ['that is no specification', quick, marshal('0'), 'not a gem specification'],
    ['of nothing', quick, marshal(nested), 'not in the Marshal format'],
    ['within another value', quick, marshal(`[\x06${nested}`), 'a specification within another value'],
  ])('rejects a specification %s', async (_case, path, bytes, reason) => {
    expect(await judge(path, bytes)).toMatch(/^Rejected: /);
    expect(await judge(path, bytes)).toContain(reason);
  });

  it.each([
    ['that is no array', '0', 'not an array'],
    ['with something else in it', '[\x06i\x06', 'release 1 of the index'],
    ['with another class', '[\x06[\x06o:\x0bKernel\x00', 'of the class'],
  ])('rejects an index %s', async (_case, body, reason) => {
    expect(await judge('latest_specs.4.8.gz', gzipSync(Buffer.from(`\x04\x08${body}`, 'latin1')))).toContain(reason);
  });

  it('always has an opinion, whatever the bytes', async () => {
    const specs = gunzipSync(rubyFile('specs.4.8.gz'));
    await fc.assert(
      fc.asyncProperty(fc.nat(specs.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(gemspec.length - 1), async (at, value, where) => {
        const changed = Buffer.from(specs);
        changed[at] = value;
        expect(await judge('specs.4.8.gz', gzipSync(changed))).toMatch(/^(?:Approved|Rejected): (?!the inspection failed)/);
        const spec = Buffer.from(gemspec);
        spec[where] = value;
        expect(await judge(quick, spec)).toMatch(/^(?:Approved|Rejected): (?!the inspection failed)/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('gem.package', () => {
  it('approves a gem whose checksum the compact index declares, and tells what it is', async () => {
    const context = createContext();
    await learn(context, infoFile(real));
    expect(await inspect(createRequest(gemUrl, gem), { bytes: real }, context)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'gem.package': { reason: 'valid gem', annotations: { 'declared-by': ['https://registry.example:443/base/'], 'signed-by-author': false } } },
      metadata: {
        type: 'application/x.gem.package',
        name: 'millrace-sample',
        version: '1.0.0',
        license: 'MIT',
        author: 'Ada Lovelace, Charles',
        authorEmail: 'ada@example.test',
        description: 'A sample gem.',
        vendor: 'https://example.test/sample',
        purl: 'pkg:gem/millrace-sample@1.0.0',
      },
    });
  });

  it('reads gems of the first years and of other platforms', async () => {
    const old = buildGem({
      metadata: sampleMetadata.replace('platform: ruby', 'platform: !ruby/object:Gem::Platform\n  cpu: x86\n  os: linux\n  version:').replace('summary: A', 'summary: !binary |\n  QSBzYW1wbGUu\nrequired: A'),
      checksums: null,
    });
    const context = createContext();
    await learn(context, infoFile(old, '1.0.0-x86-linux'));
    const result = await inspect(createRequest(`${registry}gems/millrace-sample-1.0.0-x86-linux.gem`, gem), { bytes: old }, context);
    expect(result).toMatchObject({ verdict: 'Approved', metadata: { architecture: 'x86-linux', description: 'A sample.', purl: 'pkg:gem/millrace-sample@1.0.0?platform=x86-linux' } });
  });

  it('approves gems without files and with links inside', async () => {
    for (const files of [[], [{ name: 'lib/a', type: '2', link: '../b' }]]) {
      const bytes = buildGem({ files });
      const context = createContext();
      await learn(context, infoFile(bytes));
      expect(await opinionOn(bytes, context)).toBe('Approved: valid gem');
    }
  });

  it('asks the registry itself when nobody has declared the gem yet', async () => {
    const context = createContext();
    const asked: string[] = [];
    const consult = async (url: string): Promise<'approved'> => {
      asked.push(url);
      await inspect(createRequest(url), { bytes: Buffer.from(infoFile(real)) }, context);
      return 'approved';
    };
    expect(await opinionOn(real, { ...context, consult })).toBe('Approved: valid gem');
    expect(asked).toEqual(['https://registry.example:443/base/info/millrace-sample']);
  });

  it('says Unknown, not Rejected, when there is no checksum', async () => {
    expect(await opinionOn(real)).toMatch(/^Unknown: .*no compact index of this session declares a checksum for millrace-sample-1\.0\.0/);
    const context = createContext();
    await learn(context, '---\n1.0.0 |ruby:>= 2.5\n');
    expect(await opinionOn(real, context)).toMatch(/^Unknown: /);
  });

  it('rejects another checksum, another URL, and holds a registry to its own word', async () => {
    const context = createContext();
    const other = buildGem();
    await learn(context, infoFile(real));
    await learn(context, infoFile(other), 'https://other.example/');
    expect(await opinionOn(other, context)).toBe("Rejected: the gem's SHA-256 checksum is not the one that the compact index declares");
    expect(await opinionOn(other, context, 'https://other.example/gems/millrace-sample-1.0.0.gem')).toBe('Approved: valid gem');
    expect(await opinionOn(real, context, `${registry}gems/millrace-sample-2.0.0.gem`)).toContain('the gem is millrace-sample-1.0.0, but its URL is that of millrace-sample-2.0.0');
  });

  it.each([
    ['cut off', real.subarray(0, 1500), 'truncated'],
    ['that is no tar', gzipSync('x'), 'archive'],
    ['without metadata', buildTar([{ name: 'data.tar.gz', content: 'x' }]), 'no metadata.gz'],
    ['with a member twice', buildGem({ members: [{ name: 'metadata.gz', content: 'x' }] }), 'twice'],
    ['with a link in place of a member', buildGem({ members: [{ name: 'x', type: '2', link: '/etc/passwd' }] }), 'not a plain file'],
    ['with too many members', buildGem({ members: Array.from({ length: 80 }, (_, index) => ({ name: `m${index}` })) }), 'more than 64 members'],
    ['with a name that leads outside', buildGem({ files: [{ name: '../evil', content: 'x' }] }), 'leaves the archive'],
    ['with a link that leads outside', buildGem({ files: [{ name: 'a', type: '2', link: '../x' }] }), 'points outside'],
    ['with another checksum inside', buildGem({ checksums: `---\nSHA512:\n  data.tar.gz: ${'0'.repeat(128)}\n` }), 'the SHA512 checksum of data.tar.gz'],
    ['with metadata of no release', buildGem({ metadata: '---\nname: x\n' }), 'no valid name, version'],
    ['with metadata that is a list', buildGem({ metadata: '- 1\n' }), 'not a YAML mapping'],
    ['with metadata that nests deeply', buildGem({ metadata: `${sampleMetadata.replace('version: !', 'other: !')}version: ${'['.repeat(20_000)}` }), 'no valid name'],
    ['with metadata that the library reads slowly', buildGem({ metadata: `name: ${'&a '.repeat(200_000)}` }), 'no valid name'],
    ['with checksums that the library reads slowly', buildGem({ checksums: `a: ${'&a '.repeat(20_000)}` }), 'more than 8192 characters'],
    ['with a key twice', buildGem({ metadata: `${sampleMetadata}name: other\n` }), 'has a key twice'],
    ['with metadata of many aliases', buildGem({ metadata: `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'.replaceAll(/./g, (key) => `${key}: &${key} [*a,*a,*a,*a,*a,*a,*a,*a]\n`)}` }), 'no valid name'],
    ['with metadata that is no UTF-8', buildGem({ metadata: Buffer.from([0xff]) }), 'not valid UTF-8'],
    ['with endless metadata', buildGem({ metadata: Buffer.alloc(8 * 1024 * 1024) }), 'unpacks to more than'],
    ['that unpacks to far more', buildGem({ files: [{ name: 'bomb', content: Buffer.alloc(80 * 1024 * 1024) }] }), 'times its size'],
  ])('rejects a gem %s', async (_case, bytes, reason) => {
    const context = createContext();
    await learn(context, infoFile(bytes));
    expect(await opinionOn(bytes, context)).toMatch(/^Rejected: /);
    expect(await opinionOn(bytes, context)).toContain(reason);
  });

  it('never approves a declared gem with bytes changed, and never fails otherwise than by an opinion', async () => {
    const context = createContext();
    await learn(context, infoFile(real));
    expect(sha256(real)).toHaveLength(64);
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
