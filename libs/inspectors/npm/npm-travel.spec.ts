import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { InspectionContext } from '../../inspection/inspector.js';
import type { ResponseInspectionResult } from '../../inspection/response-inspection.js';
import { createConsultingContext, oldTime, sampleLimit, youngTime } from '../declarations/__fixtures__/consulting-context.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { sampleFile } from '../__fixtures__/sample-file.js';
import { npmPackumentInspector } from './npm-packument-inspector.js';
import { packSignatures, readRegistryKeys } from './registry-signatures.js';
import { hideYoungVersions } from './visible-packument.js';

const npm = { 'user-agent': 'npm/11.0.0 node/v24', accept: 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*' };
const sample = sampleFile('millrace-sample-1.0.0.tgz');
const registry = 'https://registry.example:443/base';
const documentUrl = `${registry}/@millrace%2fsample`;
const tarballUrl = `${registry}/@millrace/sample/-/sample-1.0.0.tgz`;
const integrity = `sha512-${createHash('sha512').update(sample).digest('base64')}`;

interface Version {
  readonly time?: string;
  readonly dist?: Record<string, unknown>;
}

function packument(versions: Readonly<Record<string, Version>>, tags: Readonly<Record<string, string>> = {}): Record<string, unknown> {
  const entries = Object.entries(versions);
  const times = entries.flatMap(([version, { time }]) => (time === undefined ? [] : [[version, time]]));
  return {
    name: '@millrace/sample',
    'dist-tags': tags,
    versions: Object.fromEntries(
      entries.map(([version, { dist }]) => [version, { name: '@millrace/sample', version, dist: { tarball: tarballUrl.replace('1.0.0', version), integrity, ...dist } }]),
    ),
    ...(times.length === 0 ? {} : { time: { created: oldTime, modified: youngTime, ...Object.fromEntries(times) } }),
  };
}

function judge(context: InspectionContext, bytes = sample, url = tarballUrl): Promise<ResponseInspectionResult> {
  return inspect(createRequest(url, npm), { bytes }, context);
}

const text = (document: unknown): string => JSON.stringify(document);
const document = packument({ '1.0.0': { time: oldTime } });

describe('a tarball of a lock file', () => {
  it('is judged by the document beside it, which is consulted once', async () => {
    const { context, asked } = createConsultingContext({ answers: { [documentUrl]: text(document) } });
    expect(await judge(context)).toMatchObject({ verdict: 'Approved', metadata: { published: oldTime, name: '@millrace/sample' } });
    const changed = Buffer.from(sample);
    changed[4] = 1; // the time in the gzip header: another digest, as sound as before
    expect((await judge(context, changed)).inspections['npm.tarball']?.reason).toContain('is not the one that the package document declares');
    expect(asked).toEqual([`${npm.accept} ${documentUrl}`]);
  });

  it.each([
    [tarballUrl, {}, 'is unreachable'],
    [tarballUrl, { [documentUrl]: '{}' }, 'is refused'],
    [tarballUrl, { [documentUrl]: text(packument({ '2.0.0': {} })) }, 'does not name this URL'],
    [`${registry}/other/-/sample-1.0.0.tgz`, {}, 'its URL is one of other'],
    [`${registry}/sample-1.0.0.tgz`, {}, 'does not tell where that is'],
  ])('at %s with %j stays Unknown with the reason', async (url, answers, reason) => {
    const { context } = createConsultingContext({ answers });
    expect((await judge(context, sample, url)).inspections['npm.tarball']).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining(reason) });
  });

  it('teaches nothing once the time of the inspection is over', async () => {
    const context = { ...createContext(), signal: AbortSignal.abort(new Error('over')) };
    const result = await inspect(createRequest(documentUrl, npm), { bytes: Buffer.from(text(document)) }, context);
    expect(result.inspections['npm.packument']?.opinion).toBe('Rejected');
    expect((await judge({ ...createContext(context.knowledge) })).inspections['npm.tarball']?.opinion).toBe('Unknown');
  });
});

describe('yarn of the second generation', () => {
  const got = { 'user-agent': 'got (https://got.example)' };
  it('is known by the document that it gets, and other programs of its HTTP library are not', async () => {
    const hear = async (body: string, type: string) =>
      Object.keys((await inspect(createRequest(documentUrl, got), { bytes: Buffer.from(body), headers: { 'content-type': type } }, createContext())).inspections);
    expect(await hear(text(document), 'application/json')).toEqual(['npm.packument']);
    expect(await hear('{}', 'application/json')).toEqual(['default']);
    expect(await hear('<html>', 'text/html')).toEqual(['default']);
  });
});

describe('what a limit of time hides', () => {
  const three = packument({ '1.0.0': { time: oldTime }, '1.1.0': { time: youngTime }, '1.2.0-rc.1': {} }, { latest: '1.1.0', next: '1.2.0-rc.1', old: '1.0.0' });

  it('is taken from versions, times and tags; tags move down as npm moves them', async () => {
    const { context } = createConsultingContext({ limit: sampleLimit });
    const result = await inspect(createRequest(documentUrl, npm), { bytes: Buffer.from(text(three)) }, context);
    expect(result).toMatchObject({ verdict: 'Approved', replacement: { reason: '2 of 3 versions hidden by as-of 2025-01-01T00:00:00Z' } });
    const shown = JSON.parse(result.replacement?.bytes.toString() ?? '') as Record<string, unknown>;
    expect(Object.keys(shown['versions'] as object)).toEqual(['1.0.0']);
    expect(shown['dist-tags']).toEqual({ latest: '1.0.0', next: '1.0.0', old: '1.0.0' });
    expect(shown['time']).toEqual({ created: oldTime, modified: oldTime, '1.0.0': oldTime });
  });

  it('asks upstream for the document with times only when there is a limit', () => {
    const request = createRequest(documentUrl, npm);
    expect(npmPackumentInspector.upstreamAccept?.(request, createContext())).toBeUndefined();
    expect(npmPackumentInspector.upstreamAccept?.(request, createConsultingContext({ limit: sampleLimit }).context)).toBe('application/json');
  });

  it('is refused as a tarball, with both times, and so is one without a time', async () => {
    for (const [version, reason] of [
      [{ time: youngTime }, `was published at ${youngTime}, after 2025-01-01T00:00:00.000Z`],
      [{}, 'no index of this session tells when'],
    ] as const) {
      const answers = { [documentUrl]: text(packument({ '0.9.0': { time: oldTime }, '1.0.0': version })) };
      const { context } = createConsultingContext({ limit: sampleLimit, answers });
      expect((await judge(context)).inspections['npm.tarball']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
    }
  });

  it('cannot be told of a document without times', async () => {
    const { context } = createConsultingContext({ limit: sampleLimit });
    const result = await inspect(createRequest(documentUrl, npm), { bytes: Buffer.from(text(packument({ '1.0.0': {} }))) }, context);
    expect(result.inspections['npm.packument']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('tells no publication times') });
  });

  it('never leaves a version that is too young, and hides nothing twice', () => {
    const versions = fc.dictionary(fc.constantFrom('1.0.0', '1.1.0', '2.0.0-a', 'x', '__proto__', 'created'), fc.record({ time: fc.constantFrom(oldTime, youngTime, 'yesterday') }));
    fc.assert(
      fc.property(versions, fc.dictionary(fc.constantFrom('latest', 'next'), fc.constantFrom('1.0.0', '1.1.0', '9.9.9', 'y')), (all, tags) => {
        const hidden = hideYoungVersions(packument(all, tags), sampleLimit);
        if (typeof hidden !== 'object') return;
        const shown = JSON.parse(hidden.bytes.toString()) as { versions: object; 'dist-tags': Record<string, string> };
        for (const version of Object.keys(shown.versions)) expect(all[version]?.time).toBe(oldTime);
        for (const version of Object.values(shown['dist-tags'])) expect(Object.hasOwn(shown.versions, version)).toBe(true);
        expect(hideYoungVersions(shown, sampleLimit)).toBeUndefined();
      }),
    );
  });
});

describe("the registry's signatures", () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyId = `SHA256:${'a'.repeat(43)}`;
  const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const keys = (expires: string | null = null): object => ({ keys: [{ expires, keyid: keyId, keytype: 'ecdsa-sha2-nistp256', scheme: 'ecdsa-sha2-nistp256', key: spki }] });
  const signatureOver = (message: string): string => sign('sha256', Buffer.from(message), privateKey).toString('base64');
  const honest = signatureOver(`@millrace/sample@1.0.0:${integrity}`);
  const keysUrl = `${registry}/-/npm/v1/keys`;

  async function judgeSigned(signature: string, options: { keys?: object; configuration?: InspectionContext['configuration'] } = {}) {
    const signed = packument({ '1.0.0': { time: oldTime, dist: { signatures: [{ keyid: keyId, sig: signature }] } } });
    const answers = { [documentUrl]: text(signed), ...(options.keys === undefined ? {} : { [keysUrl]: text(options.keys) }) };
    const { context, asked } = createConsultingContext({ answers, ...(options.configuration === undefined ? {} : { configuration: options.configuration }) });
    const results = [await judge(context), await judge(context)];
    return { result: results[1] as ResponseInspectionResult, asked: asked.filter((url) => url.endsWith('/keys')) };
  }

  it('are verified with the keys that the registry tells, asked for once', async () => {
    const { result, asked } = await judgeSigned(honest, { keys: keys() });
    expect(result).toMatchObject({ verdict: 'Approved', metadata: { signedBy: `npm:${keyId}` }, inspections: { 'npm.tarball': { annotations: { signatures: 'verified' } } } });
    expect(asked).toEqual([`application/json ${keysUrl}`]);
  });

  it('are verified with configured keys, without asking', async () => {
    const { result, asked } = await judgeSigned(honest, { configuration: { npm: keys() } });
    expect(result.metadata.signedBy).toBe(`npm:${keyId}`);
    expect(asked).toEqual([]);
  });

  it.each<[string, string, object]>([
    ['over another digest', signatureOver('@millrace/sample@1.0.0:sha512-x'), keys()],
    ['that is none', 'AAAAAAAA', keys()],
    ['by a key that ended before the release', honest, keys('2020-01-01T00:00:00.000Z')],
  ])('refuse the tarball: one %s', async (_case, signature, known) => {
    const { result } = await judgeSigned(signature, { keys: known });
    expect(result.inspections['npm.tarball']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining("the registry's signature over @millrace/sample@1.0.0") });
  });

  it('count for nothing when nobody knows the key; the registry is not asked again', async () => {
    const { result, asked } = await judgeSigned(honest);
    expect(result).toMatchObject({ verdict: 'Approved', inspections: { 'npm.tarball': { annotations: { signatures: 'not checked: the keys are not known' } } } });
    expect(asked).toHaveLength(1);
  });

  it('are read from any value, and keys refused with a reason', () => {
    expect(packSignatures([{ keyid: 'x y', sig: 'z' }, null, { keyid: keyId, sig: honest }])).toBe(`${keyId} ${honest}`);
    for (const bad of [null, {}, { keys: [{}] }, [{ keyid: keyId, key: 'AAAAAAAA' }], Array.from({ length: 65 }, () => ({}))]) expect(() => readRegistryKeys(bad)).toThrow("the registry's signing keys");
  });
});

describe('npm.registry', () => {
  it.each<[string, string, string]>([
    ['/-/ping', '', 'Approved'],
    ['/-/ping', '[]', 'Rejected'],
    ['/-/whoami', '{"username":"ada"}', 'Approved'],
    ['/-/whoami', '{}', 'Rejected'],
    ['/-/v1/search', '{"objects":[{"package":{"name":"x","version":"1.0.0"}}]}', 'Approved'],
    ['/-/v1/search', '{"objects":[1]}', 'Rejected'],
    ['/-/npm/v1/attestations/x@1.0.0', '{"attestations":[]}', 'Unknown'],
    ['/-/npm/v1/keys', '{"keys":[{}]}', 'Rejected'],
    ['/-/npm/v1/keys', '<html>', 'Rejected'],
  ])('%s with %j is %s', async (path, body, opinion) => {
    const result = await inspect(createRequest(registry + path, npm), { bytes: Buffer.from(body) }, createContext());
    expect(result.inspections['npm.registry']?.opinion).toBe(opinion);
  });
});
