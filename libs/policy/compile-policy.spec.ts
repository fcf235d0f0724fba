import { describe, expect, it } from '@jest/globals';
import { artefactOf, openedAt, policyOf, requestOf } from './__fixtures__/policies.js';
import type { ArtefactFacts } from './policy-facts.js';

const rejectedBecause = (reason: RegExp) => ({ opinion: 'Rejected', reason: expect.stringMatching(reason) });
const artefactOpinion = (session: string, changes: Partial<ArtefactFacts> = {}) => policyOf({ session }).judgeArtefact(artefactOf(changes));
const requestOpinion = (session: string, url: string, ecosystems: readonly string[] = ['npm']) => policyOf({ session }).judgeRequest(requestOf({ url, ecosystems }));

describe('deny', () => {
  it('refuses a request by host, and says which line of which document', () => {
    const opinion = requestOpinion('deny:\n  - {host: "*.example", reason: closed for repairs}', 'https://registry.example:443/x');
    expect(opinion).toEqual(rejectedBecause(/^session policy, line 3 \(deny\): closed for repairs; /));
  });

  it.each([
    ['https://registry.example:443/evil/x', true],
    ['https://registry.example:443/%65vil/x', true],
    ['https://registry.example:443/good/../evil/x', true],
    ['https://registry.example:443/evil2/x', false],
    ['http://registry.example/evil/x', false],
  ])('of a URL is not got around by another spelling: %s', (url, refused) => {
    expect(requestOpinion('deny: [{url: "https://registry.example/evil/**"}]', url)?.opinion).toBe(refused ? 'Rejected' : undefined);
  });

  it.each([
    ['pkg:npm/left-pad', 'pkg:npm/left-pad@1.3.0', true],
    ['pkg:npm/left-pad@1.*', 'pkg:npm/left-pad@1.3.0', true],
    ['pkg:npm/left-pad@2.*', 'pkg:npm/left-pad@1.3.0', false],
    ['pkg:npm/@scope/*', 'pkg:npm/%40scope/name@1.0.0', true],
    ['pkg:npm/left-pad', 'pkg:npm/left-padding@1.0.0', false],
    ['pkg:golang/h.example/mod', 'pkg:golang/h.example/mod@v1.0.0?type=module#sub', true],
  ])('by the package URL %s: %s', (pattern, purl, refused) => {
    expect(artefactOpinion(`deny: [{purl: "${pattern}"}]`, { purl })?.opinion).toBe(refused ? 'Rejected' : undefined);
  });

  it.each([
    ['GPL-3.0-only', true],
    ['GPL-3.0-only AND MIT', true],
    ['GPL-3.0-only OR MIT', false],
    ['GPL-3.0-only OR AGPL-3.0-only', true],
    ['GPL-3.0-only WITH Classpath-exception-2.0', true],
    ['MIT', false],
    ['', false],
    ['SEE LICENSE IN x', false],
  ])('of licences looks at the whole expression: %s', (licence, refused) => {
    expect(artefactOpinion('deny: [{licence: GPL-3.0-only}, {licence: AGPL-3.0-only}]', { licence })?.opinion).toBe(refused ? 'Rejected' : undefined);
  });

  it('of licences leaves indexes alone', () => {
    expect(artefactOpinion('deny: [{licence: MIT}]', { type: 'application/x.npm.packument', purl: 'pkg:npm/left-pad' })).toBeUndefined();
    expect(artefactOpinion('deny: [{licence: MIT}]', { type: 'application/gzip', ecosystems: [] })?.opinion).toBe('Rejected');
  });

  it('of an ecosystem waits for the artefact when a URL looks like that of two', () => {
    const policy = policyOf({ session: 'deny: [{ecosystem: npm}]' });
    expect(policy.judgeRequest(requestOf({ ecosystems: ['npm', 'pip'] }))).toBeUndefined();
    expect(policy.judgeRequest(requestOf())?.opinion).toBe('Rejected');
    expect(policy.judgeArtefact(artefactOf())?.opinion).toBe('Rejected');
  });
});

describe('allow', () => {
  const list = 'allow: [{ecosystem: npm, host: registry.example, licence: [MIT, Apache-2.0]}]';

  it('refuses what no rule of the ecosystem matches, before it is fetched', () => {
    expect(requestOpinion(list, 'https://other.example:443/x')).toEqual(rejectedBecause(/allow list/));
    expect(requestOpinion(list, 'https://registry.example:443/x')).toBeUndefined();
    expect(requestOpinion(list, 'https://other.example:443/x', ['pip'])).toBeUndefined();
  });

  it('is not got around by dot segments', () => {
    const url = 'allow: [{ecosystem: npm, url: "https://registry.example/ours/**"}]';
    expect(requestOpinion(url, 'https://registry.example:443/ours/x')).toBeUndefined();
    expect(requestOpinion(url, 'https://registry.example:443/ours/../theirs/x')?.opinion).toBe('Rejected');
    expect(requestOpinion(url, 'https://registry.example:443/ours/%2e%2e/theirs/x')?.opinion).toBe('Rejected');
  });

  it.each([
    ['MIT', undefined],
    ['MIT OR GPL-3.0-only', undefined],
    ['MIT AND Apache-2.0', undefined],
    ['MIT AND GPL-3.0-only', 'Rejected'],
    ['', 'Rejected'],
    ['SEE LICENSE IN x', 'Rejected'],
  ])('of licences: %s', (licence, expected) => {
    expect(artefactOpinion(list, { licence })?.opinion).toBe(expected);
  });

  it('asks no licence of an index, and takes the index of a package that it allows one version of', () => {
    const index = { type: 'application/x.npm.packument', purl: 'pkg:npm/left-pad', licence: '' };
    expect(artefactOpinion(list, index)).toBeUndefined();
    const version = 'allow: [{ecosystem: npm, purl: "pkg:npm/left-pad@1.3.0"}]';
    expect(artefactOpinion(version, index)).toBeUndefined();
    expect(artefactOpinion(version)).toBeUndefined();
    expect(artefactOpinion(version, { purl: 'pkg:npm/left-pad@1.3.1' })?.opinion).toBe('Rejected');
    expect(artefactOpinion(version, { ...index, purl: 'pkg:npm/other' })?.opinion).toBe('Rejected');
  });
});

describe('origins', () => {
  const origins = 'origins: {npm: [registry.example, "https://mirror.example:8443/npm"]}';
  it.each([
    ['https://registry.example:443/x', true],
    ['http://registry.example/x', true],
    ['https://mirror.example:8443/npm/x', true],
    ['https://mirror.example:8443/npm?x', true],
    ['https://mirror.example:8443/npmx', false],
    ['https://mirror.example:443/npm/x', false],
    ['http://mirror.example:8443/npm/x', false],
    ['https://mirror.example:8443/npm/../x', false],
    ['https://evil.example:443/registry.example/', false],
  ])('%s: %s', (url, fine) => {
    expect(requestOpinion(origins, url)?.opinion).toBe(fine ? undefined : 'Rejected');
    expect(requestOpinion(origins, url, ['pip'])).toBeUndefined();
  });

  it('refuse only when no ecosystem may have the URL, and the artefact by the one that knew it', () => {
    const url = 'https://files.example:443/x';
    expect(requestOpinion(origins, url, ['pip', 'npm'])).toBeUndefined();
    expect(artefactOpinion(origins, { url })).toEqual(rejectedBecause(/line 2 \(origins\.npm\): files\.example is no origin/));
  });
});

describe('pins', () => {
  const url = 'https://files.example:443/tool.tgz';
  const pin = `pins: [{sha256: "${'2'.repeat(64)}", url: "https://files.example/tool.tgz", name: the tool}]`;
  const unknown = { url, ecosystems: [], purl: undefined, type: 'application/gzip', licence: '' } as unknown as Partial<ArtefactFacts>;

  it('make a URL that nobody knows Pending, its digest Approved and any other Rejected', () => {
    expect(requestOpinion(pin, url, [])).toMatchObject({ opinion: 'Pending' });
    expect(artefactOpinion(pin, unknown)).toMatchObject({ opinion: 'Approved', reason: expect.stringContaining('the tool') });
    expect(artefactOpinion(pin, { ...unknown, digests: { sha1: '1'.repeat(40), sha256: '3'.repeat(64) } })).toEqual(rejectedBecause(/pinned to SHA-256 2{64}.*this is SHA-256 3{64}/));
    expect(artefactOpinion(pin, { ...unknown, url: 'https://files.example:443/other.tgz' })).toBeUndefined();
  });

  it('of one document take back no refusal of the other, nor what their own denies', () => {
    expect(policyOf({ service: 'deny: [{host: files.example}]', session: pin }).judgeRequest(requestOf({ url, ecosystems: [] }))?.opinion).toBe('Rejected');
    expect(artefactOpinion(`${pin}\ndeny: [{host: files.example}]`, unknown)?.opinion).toBe('Rejected');
    expect(artefactOpinion(`${pin}\nallow: [{host: elsewhere.example}]`, unknown)?.opinion).toBe('Approved');
    expect(policyOf({ service: 'allow: [{host: elsewhere.example}]', session: pin }).judgeArtefact(artefactOf(unknown))?.opinion).toBe('Rejected');
  });

  it('of a session count for nothing where the service does not let sessions pin', () => {
    expect(policyOf({ service: 'sessions: {may-pin: false}', session: pin }).judgeRequest(requestOf({ url, ecosystems: [] }))).toBeUndefined();
  });

  it('by SHA-512 say so when it is not known', () => {
    const sha512 = `pins: [{sha512: "${'5'.repeat(128)}", url: "https://files.example/tool.tgz"}]`;
    expect(policyOf({ session: sha512 }).needsSha512(url)).toBe(true);
    expect(policyOf({ session: sha512 }).needsSha512('https://files.example:443/other')).toBe(false);
    expect(artefactOpinion(sha512, unknown)?.opinion).toBe('Unknown');
    expect(artefactOpinion(sha512, { ...unknown, digests: { sha1: '1', sha256: '2', sha512: '5'.repeat(128) } })?.opinion).toBe('Approved');
    expect(artefactOpinion(sha512, { ...unknown, digests: { sha1: '1', sha256: '2', sha512: '6'.repeat(128) } })?.opinion).toBe('Rejected');
  });
});

describe('cooldown and as-of', () => {
  const cooldown = 'cooldown: {days: 7, except: ["pkg:npm/ours", "pkg:npm/left-pad@1.3.1"]}';

  it('refuse a release that was too young when the session was opened, with both times', () => {
    expect(artefactOpinion(cooldown, { published: '2026-06-23T00:00:01Z' })).toEqual(rejectedBecause(/published 2026-06-23T00:00:01Z, .*cooldown of 7 days.*2026-06-23T00:00:00\.000Z/));
    expect(artefactOpinion(cooldown, { published: '2026-06-23T00:00:00Z' })).toBeUndefined();
    expect(artefactOpinion(cooldown, { published: '2026-06-29T00:00:00Z', purl: 'pkg:npm/ours@1.0.0' })).toBeUndefined();
    expect(artefactOpinion(cooldown, { published: '2026-06-29T00:00:00Z', purl: 'pkg:npm/left-pad@1.3.1' })).toBeUndefined();
    expect(artefactOpinion('as-of: 2026-02-01T00:00:00Z', { published: '2026-03-01T00:00:00Z' })).toEqual(rejectedBecause(/line 2 .*published 2026-03-01T00:00:00Z, after 2026-02-01T00:00:00\.000Z \(as-of\)/));
  });

  it('refuse a release of unknown age, but no index and nothing of other ecosystems', () => {
    expect(policyOf({ session: cooldown }).judgeArtefact({ ...artefactOf(), published: '' })).toEqual(rejectedBecause(/when it was published is not known/));
    expect(artefactOpinion(cooldown, { published: '', type: 'application/x.npm.packument', purl: 'pkg:npm/left-pad' })).toBeUndefined();
    expect(artefactOpinion(cooldown, { published: '', type: 'application/x.go.module.mod', ecosystems: ['go'], purl: 'pkg:golang/h.example/m@v1.0.0' })).toBeUndefined();
    expect(artefactOpinion(cooldown, { published: '', ecosystems: ['maven'], purl: 'pkg:maven/g/a@1' })).toBeUndefined();
  });

  it('limit what indexes show, by the earlier of all', () => {
    const policy = policyOf({ service: 'cooldown: {days: 7}', session: 'as-of: {at: "2026-02-01T00:00:00Z", ecosystems: [npm]}' });
    expect(policy.visibleUntil('npm', 'left-pad')).toEqual({ until: Date.parse('2026-02-01T00:00:00Z'), because: 'as-of 2026-02-01T00:00:00Z' });
    expect(policy.visibleUntil('pip', 'requests')).toEqual({ until: openedAt - 7 * 86_400_000, because: 'cooldown of 7 days' });
    expect(policy.visibleUntil('maven', 'x')).toBeUndefined();
    expect(policyOf({ session: cooldown }).visibleUntil('npm', 'left-pad')).toBeUndefined();
    expect(policyOf({ session: cooldown }).visibleUntil('npm', 'right-pad')).toBeDefined();
  });
});

describe('signatures', () => {
  const required = 'signatures: {required: [{ecosystem: npm, host: "*.example", keys: ["openpgp:ABCD", "ef01"]}]}';
  it.each([
    ['openpgp:ABCD', true],
    ['openpgp:1234 openpgp:EF01', true],
    ['openpgp:1234', false],
    ['', false],
  ])('by one of the keys: %s', (signedBy, fine) => {
    expect(artefactOpinion(required, { signedBy })?.opinion).toBe(fine ? undefined : 'Rejected');
  });

  it('by any key where none is named; elsewhere none is needed', () => {
    expect(artefactOpinion('signatures: {required: [{ecosystem: npm}]}', { signedBy: 'openpgp:1' })).toBeUndefined();
    expect(artefactOpinion('signatures: {required: [{ecosystem: npm}]}')).toEqual(rejectedBecause(/no signature over it was verified/));
    expect(artefactOpinion(required, { url: 'https://elsewhere.test:443/x' })).toBeUndefined();
  });
});

describe('two documents', () => {
  it('both have to agree, and both are named', () => {
    const opinion = policyOf({ service: 'deny: [{host: registry.example}]', session: 'deny: [{ecosystem: npm}]' }).judgeRequest(requestOf());
    expect(opinion).toEqual(rejectedBecause(/service policy, line 2.*; session policy, line 2/));
  });

  it("the session's configuration of inspectors goes over the service's, key by key", () => {
    const policy = policyOf({ service: 'inspectors-configuration: {git: {urls: [a]}, apt: {x: 1}}', session: 'inspectors-configuration: {git: {urls: [b]}}' });
    expect(policy.configuration({ bldbin: { urls: [] } })).toEqual({ git: { urls: ['b'] }, apt: { x: 1 }, bldbin: { urls: [] } });
  });

  it('that say nothing have no opinion', () => {
    const policy = policyOf({ service: '', session: '' });
    expect([policy.judgeRequest(requestOf()), policy.judgeArtefact(artefactOf()), policy.visibleUntil('npm', 'x')]).toEqual([undefined, undefined, undefined]);
  });
});
