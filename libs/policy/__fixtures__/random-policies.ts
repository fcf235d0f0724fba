import fc from 'fast-check';
import type { ArtefactFacts } from '../policy-facts.js';

/** Policies and facts from a small vocabulary, so that rules often match. Dates lie around the opening of the specs' sessions. */
const ecosystem = fc.constantFrom('npm', 'pip', 'go');
const host = fc.constantFrom('a.example', 'b.example', '*.example', 'c.test');
const licence = fc.constantFrom('MIT', 'Apache-2.0', 'GPL-3.0-only');
const purl = fc.constantFrom('pkg:npm/one', 'pkg:npm/one@1.*', 'pkg:pypi/*', 'pkg:golang/**');
const time = fc.constantFrom('2026-01-01T00:00:00Z', '2026-06-20T00:00:00Z', '2026-06-29T00:00:00Z');
const sha256 = fc.constantFrom('1'.repeat(64), '2'.repeat(64));
const url = fc.constantFrom('https://a.example:443/one', 'https://b.example:443/one?x=1', 'http://c.test/two', 'https://a.example:443/%6fne');

export const rule = fc
  .record({ ecosystem, host, url: fc.constantFrom('https://a.example/**', '**/one*'), purl, licence: fc.array(licence, { minLength: 1, maxLength: 2 }) }, { requiredKeys: [] })
  .filter((value) => Object.keys(value).length > 0);

export const policyDocument = fc.record(
  {
    version: fc.constant(1 as const),
    allow: fc.array(rule, { maxLength: 2 }),
    deny: fc.array(rule, { maxLength: 2 }),
    origins: fc.dictionary(ecosystem, fc.array(host, { minLength: 1, maxLength: 2 }), { maxKeys: 1 }),
    pins: fc.array(fc.record({ sha256, url: fc.constantFrom('https://a.example/one', 'http://c.test/**') }, { requiredKeys: ['sha256'] }), { maxLength: 1 }),
    cooldown: fc.record({ days: fc.constantFrom(0, 3, 7), except: fc.array(purl, { maxLength: 1 }) }),
    'as-of': time,
    signatures: fc.record({ required: fc.array(fc.record({ ecosystem }), { maxLength: 1 }) }),
  },
  { requiredKeys: ['version'] },
);

export const artefactFacts: fc.Arbitrary<ArtefactFacts> = fc
  .record({
    method: fc.constant('GET'),
    url,
    ecosystems: fc.uniqueArray(ecosystem, { maxLength: 2 }),
    type: fc.constantFrom('application/x.npm.tarball', 'application/x.npm.packument', 'application/gzip'),
    purl: fc.option(fc.constantFrom('pkg:npm/one@1.0.0', 'pkg:npm/one', 'pkg:pypi/two@2.0', 'pkg:golang/h.example/m@v1.0.0'), { nil: undefined }),
    licence: fc.constantFrom('', 'MIT', 'MIT OR GPL-3.0-only', 'Apache-2.0 AND GPL-3.0-only', 'as you like'),
    published: fc.option(time, { nil: undefined }),
    signedBy: fc.option(fc.constant('openpgp:AB'), { nil: undefined }),
    sha256,
  })
  .map(({ purl: id, published, signedBy, sha256: digest, ...facts }) => ({
    ...facts,
    digests: { sha1: '0'.repeat(40), sha256: digest },
    ...(id === undefined ? {} : { purl: id }),
    ...(published === undefined ? {} : { published }),
    ...(signedBy === undefined ? {} : { signedBy }),
  }));
