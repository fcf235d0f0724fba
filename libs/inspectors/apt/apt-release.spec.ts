import { beforeAll, describe, expect, it } from '@jest/globals';
import type { InspectionContext } from '../../inspection/inspector.js';
import type { ResponseInspectionResult } from '../../inspection/response-inspection.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { createSigningKey, releaseOf, signDetached, signInline, type SigningKey } from './__fixtures__/sample-repository.js';

const root = 'https://archive.example/debian';
const base = `${root}/dists/stable`;
const files = { 'main/binary-amd64/Packages': Buffer.from('') };
const day = 86_400_000;
let key: SigningKey;
let other: SigningKey;
beforeAll(async () => {
  [key, other] = [await createSigningKey(), await createSigningKey()];
});

function trusting(settings: Record<string, unknown> = {}, apt: Record<string, unknown> = {}): InspectionContext {
  const repository = { urls: [root], suites: ['*'], components: ['*'], 'public-key': key.publicKey, ...settings };
  return { ...createContext(), configuration: { apt: { repositories: { sample: repository }, ...apt } } };
}

async function give(bytes: Buffer, context = trusting(), url = `${base}/InRelease`): Promise<ResponseInspectionResult> {
  return inspect(createRequest(url), { bytes }, context);
}

async function reasonFor(bytes: Buffer, context = trusting(), url = `${base}/InRelease`): Promise<string> {
  const { inspections } = await give(bytes, context, url);
  return `${inspections['apt.release']?.opinion}: ${inspections['apt.release']?.reason}`;
}

describe('InRelease', () => {
  it('is approved when the configured key signed it, and tells what it is', async () => {
    const result = await give(await signInline(releaseOf(files), key));
    expect(result).toMatchObject({
      verdict: 'Approved',
      inspections: { 'apt.release': { annotations: { 'signed-by': [key.fingerprint], suite: 'stable', codename: 'one', files: 1 } } },
      metadata: { type: 'application/x.apt.release', name: 'Sample Archive', version: '1.2', vendor: 'Sample', architecture: 'amd64 all', signedBy: `openpgp:${key.fingerprint}` },
    });
  });

  it('is rejected when one byte of it was changed', async () => {
    const signed = (await signInline(releaseOf(files), key)).toString();
    expect(await reasonFor(Buffer.from(signed.replace('Sample', 'Simple')))).toMatch(/^Rejected: the signature of the Release file does not hold/);
  });

  it('is rejected when nobody signed it, and unknown when somebody did whom nobody knows', async () => {
    expect(await reasonFor(Buffer.from(releaseOf(files)))).toMatch(/^Rejected: the InRelease file is not signed/);
    expect(await reasonFor(await signInline(releaseOf(files), other))).toMatch(/^Unknown: .* is signed by [0-9A-F]{16}, which is not in the public-key of apt\.repositories\.sample/);
  });

  it('must be of this time', async () => {
    const signed = (options: Parameters<typeof releaseOf>[1]): Promise<Buffer> => signInline(releaseOf(files, options), key);
    const late = await signed({ date: new Date(Date.now() - 9 * day), validUntil: new Date(Date.now() - day) });
    expect(await reasonFor(late)).toMatch(/^Rejected: .*Valid-Until .* is over/);
    expect(await reasonFor(late, trusting({}, { 'check-dates': false }))).toMatch(/^Approved/);
    expect(await reasonFor(await signed({ date: new Date(Date.now() + day) }))).toMatch(/^Rejected: .*is in the future/);
    expect(await reasonFor(await signed({ validUntil: new Date(Date.now() + day) }))).toMatch(/^Approved/);
    const undated = releaseOf(files).replace(/^Date: .*\n/m, '');
    expect(await reasonFor(await signInline(undated, key))).toMatch(/^Approved/);
    expect(await reasonFor(await signInline(undated.replace('Codename', 'Date: tomorrow\nCodename'), key))).toMatch(/^Rejected: the Release file has no valid Date in UTC/);
  });

  it('must be of a repository and suite that are configured, when any are', async () => {
    const signed = await signInline(releaseOf(files), key);
    for (const urls of [[root], [`${root}/`], ['https://archive.example:443/*'], ['https://**']]) expect(await reasonFor(signed, trusting({ urls }))).toMatch(/^Approved/);
    expect(await reasonFor(signed, trusting({ urls: ['https://other.example/debian'] }))).toMatch(/^Unknown: no repository of the session's configuration has this URL/);
    for (const suites of [['stable'], ['one'], ['sta*'], []]) expect(await reasonFor(signed, trusting({ suites }))).toMatch(/^Approved/);
    expect(await reasonFor(signed, trusting({ suites: undefined, dists: ['testing'] }))).toMatch(/^Rejected: .* does not have this suite/);
    expect(await reasonFor(signed, trusting({ suites: ['stable/updates'] }), `${base}/updates/InRelease`)).toMatch(/^Approved/);
    expect(await reasonFor(signed, trusting({ suites: ['./'] }), `${root}/InRelease`)).toMatch(/^Approved/);
  });

  it('is not believed with keys of the machine that are not its own', async () => {
    const signed = await signInline(releaseOf(files), key);
    expect(await reasonFor(signed, createContext())).toMatch(/^Unknown: .*keyrings of the machine/);
  });

  it.each([
    ['repositories of a wrong form', { repositories: [] }, 'apt.repositories must be an object'],
    ['a key that is none', { repositories: { sample: { urls: [root], 'public-key': 'x' } } }, 'sample.public-key is no OpenPGP public key'],
    ['a flag that is none', { 'check-dates': 'no' }, 'apt.check-dates must be true or false'],
    ['URLs of a wrong form', { repositories: { sample: { urls: root } } }, 'sample.urls must be a list of texts'],
  ])('is rejected under a configuration with %s', async (_case, apt, reason) => {
    const context = { ...createContext(), configuration: { apt } };
    expect(await reasonFor(await signInline(releaseOf(files), key), context)).toContain(reason);
  });

  it.each([
    ['no digests', { fields: ['Origin: x'], algorithm: 'MD5Sum' as const }, 'MD5 and SHA-1 are not believed'],
    ['a field twice', { fields: ['Origin: x', 'Origin: y'] }, 'twice in a paragraph'],
    ['two paragraphs', { fields: ['Origin: x', ''] }, '2 paragraphs'],
    ['a line that is no field', { fields: ['Origin: x', 'hello'] }, 'is no field'],
  ])('is rejected with %s although it is signed', async (_case, options, reason) => {
    expect(await reasonFor(await signInline(releaseOf(files, options), key))).toContain(reason);
  });

  it.each(['../x', '/etc/passwd', 'a/../../b', 'a//b', 'a\\b'])('is rejected when it declares %s', async (name) => {
    expect(await reasonFor(await signInline(releaseOf({ [name]: Buffer.from('') }), key))).toMatch(/^Rejected: the index names the file/);
  });

  it('takes SHA-512 where there is no SHA-256', async () => {
    expect(await reasonFor(await signInline(releaseOf(files, { algorithm: 'SHA512' }), key))).toMatch(/^Approved/);
  });
});

describe('Release and Release.gpg', () => {
  it('are approved in the order of apt when the proxy fetches the signature', async () => {
    const text = releaseOf(files);
    const signature = await signDetached(text, key);
    const consulted: string[] = [];
    const context: InspectionContext = {
      ...trusting(),
      consult: async (url) => {
        consulted.push(url);
        return (await give(signature, context, url)).verdict === 'Approved' ? 'approved' : 'refused';
      },
    };
    expect(await reasonFor(Buffer.from(text), context, `${base}/Release`)).toMatch(/^Approved/);
    expect(consulted).toEqual(['https://archive.example:443/debian/dists/stable/Release.gpg']);
    expect(await give(signature, context, `${base}/Release.gpg`)).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/x.apt.release-signature' } });
  });

  it('are approved the other way round', async () => {
    const text = releaseOf(files);
    const context: InspectionContext = { ...trusting(), consult: async (url) => ((await give(Buffer.from(text), context, url)).verdict === 'Approved' ? 'approved' : 'refused') };
    expect(await reasonFor(await signDetached(text, key), context, `${base}/Release.gpg`)).toMatch(/^Approved/);
  });

  it('wait for each other when nothing can be fetched', async () => {
    const text = releaseOf(files);
    const context = trusting();
    expect(await reasonFor(Buffer.from(text), context, `${base}/Release`)).toMatch(/^Unknown: the Release file has no signature yet/);
    expect(await reasonFor(await signDetached(text, key), context, `${base}/Release.gpg`)).toMatch(/^Approved/);
    expect(await reasonFor(Buffer.from(text), context, `${base}/Release`)).toMatch(/^Approved/);
    expect(await reasonFor(Buffer.from(text.replace('Sample', 'Simple')), context, `${base}/Release`)).toMatch(/^Rejected/);
  });

  it('leave a file of that name that is none to others', async () => {
    expect((await give(Buffer.from('{}'), trusting(), 'https://forge.example/project/Release')).inspections['apt.release']).toBeUndefined();
  });

  it('knows the Release file of a component from that of the suite', async () => {
    const component = Buffer.from('Archive: stable\nComponent: main\n');
    const context = trusting();
    expect(await reasonFor(await signInline(releaseOf({ 'main/binary-amd64/Release': component }), key), context)).toMatch(/^Approved/);
    expect(await reasonFor(component, context, `${base}/main/binary-amd64/Release`)).toBe('Approved: valid release file of a component');
    expect(await reasonFor(Buffer.from('Archive: other\n'), context, `${base}/main/binary-amd64/Release`)).toMatch(/^Unknown/);
  });
});
