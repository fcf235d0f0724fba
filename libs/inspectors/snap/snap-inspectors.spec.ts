import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { InspectionContext } from '../../inspection/inspector.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { createAccountKey, createAssertion, createAssertionKey, type AssertionKey } from './__fixtures__/assertions.js';
import { sampleSnap } from './__fixtures__/sample-snap.js';

const store = 'https://store.example';
const snapUrl = `${store}/api/v1/snaps/download/abc_7.snap`;
const snap = sampleSnap('xz');
const digestOf = (bytes: Buffer): Buffer => createHash('sha3-384').update(bytes).digest();

let root: AssertionKey;
let storeKey: AssertionKey;
let developer: AssertionKey;

beforeAll(async () => {
  [root, storeKey, developer] = await Promise.all([createAssertionKey('store-account'), createAssertionKey('store-account'), createAssertionKey('dev')]);
}, 60_000);

function session(snapSettings?: Record<string, unknown>): InspectionContext {
  return { ...createContext(), configuration: snapSettings === undefined ? {} : { snap: snapSettings } };
}

function refresh(bytes: Buffer, changes: Record<string, unknown> = {}): Buffer {
  const download = { url: snapUrl, size: bytes.length, 'sha3-384': digestOf(bytes).toString('hex') };
  const release = {
    name: 'millrace-sample',
    'snap-id': 'abc',
    revision: 7,
    version: '1.10',
    'created-at': '2024-05-01T00:00:00Z',
    architectures: ['amd64'],
    download,
    ...changes,
  };
  return Buffer.from(
    JSON.stringify({
      results: [{ result: 'download', 'effective-channel': 'stable', snap: { ...release, publisher: { 'display-name': 'Millrace' } } }],
      'error-list': [],
    }),
  );
}

async function ask(context: InspectionContext, url: string, bytes: Buffer, method = 'GET') {
  const { verdict, inspections, metadata } = await inspect(createRequest(url, {}, method), { bytes }, context);
  const [inspection] = Object.values(inspections);
  return { verdict, reason: inspection?.reason ?? '', opinion: inspection?.opinion, metadata };
}

const learn = (context: InspectionContext, answer: Buffer) => ask(context, `${store}/v2/snaps/refresh`, answer, 'POST');
const assertionUrl = (type: string, key: string): string => `${store}/v2/assertions/${type}/${key}?max-format=1`;

async function revisionBy(key: AssertionKey, bytes = snap, changes: Record<string, string> = {}): Promise<Buffer> {
  const headers = {
    'snap-sha3-384': digestOf(bytes).toString('base64url'),
    'snap-id': 'abc',
    'snap-size': String(bytes.length),
    'snap-revision': '7',
    ...changes,
  };
  return createAssertion(key, 'snap-revision', headers);
}

/** Fetches account keys up to the root, the snap's revision and its declaration. */
async function learnAssertions(context: InspectionContext): Promise<void> {
  const documents = [
    ['account-key', await createAccountKey(root, root)],
    ['account-key', await createAccountKey(root, storeKey)],
    ['snap-revision', await revisionBy(storeKey)],
    ['snap-declaration', await createAssertion(storeKey, 'snap-declaration', { 'snap-id': 'abc', 'snap-name': 'millrace-sample', 'publisher-id': 'mill' })],
  ] as const;
  for (const [type, bytes] of documents) expect(await ask(context, assertionUrl(type, 'x'), bytes)).toMatchObject({ verdict: 'Approved' });
}

describe('the API of a store', () => {
  it('approves what the store answers', async () => {
    const context = session();
    expect(await learn(context, refresh(snap))).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/x.canonical.snap-refresh' } });
    const info = { name: 'millrace-sample', 'snap-id': 'abc', snap: { license: 'MIT' }, 'channel-map': [] };
    expect(await ask(context, `${store}/v2/snaps/info/millrace-sample?fields=x`, Buffer.from(JSON.stringify(info)))).toMatchObject({ verdict: 'Approved' });
    expect(await ask(context, `${store}/v2/snaps/info/other`, Buffer.from(JSON.stringify(info)))).toMatchObject({ verdict: 'Rejected' });
    const names = { _embedded: { 'clickindex:package': [{ package_name: 'x' }] } };
    expect(await ask(context, `${store}/api/v1/snaps/names`, Buffer.from(JSON.stringify(names)))).toMatchObject({
      verdict: 'Approved',
      metadata: { type: 'application/x.canonical.snap-names' },
    });
    const nonce = await ask(context, `${store}/api/v1/snaps/auth/nonces`, Buffer.from('{"nonce":"the-secret"}'), 'POST');
    expect(nonce.verdict).toBe('Approved');
    expect(JSON.stringify(nonce)).not.toContain('the-secret');
  });

  it.each(['{}', '[]', '{"results":[1]}', '{"results":{}}', '{"results":[{"snap":{}}]}', '{"results":[{"snap":{"download":{"sha3-384":"00"}}}]}'])(
    'rejects %s for a refresh',
    async (text) => {
      expect((await learn(session(), Buffer.from(text))).verdict).toBe('Rejected');
    },
  );
});

describe('snap', () => {
  it('approves a snap that the store declares', async () => {
    const context = session();
    await learn(context, refresh(snap));
    expect(await ask(context, snapUrl, snap)).toMatchObject({
      verdict: 'Approved',
      metadata: {
        type: 'application/x.canonical.snap-package',
        name: 'millrace-sample',
        version: '1.10',
        vendor: 'Millrace',
        license: 'Apache-2.0',
        architecture: 'amd64',
        published: '2024-05-01T00:00:00.000Z',
      },
    });
  });

  it('approves by digest what it cannot unpack', async () => {
    const context = session();
    const lzo = sampleSnap('lzo');
    await learn(context, refresh(lzo));
    expect(await ask(context, snapUrl, lzo)).toMatchObject({ verdict: 'Approved', metadata: { name: 'millrace-sample', version: '1.10' } });
  });

  it('knows nothing of a snap that nobody declares', async () => {
    expect(await ask(session(), snapUrl, snap)).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('declares its SHA3-384 digest') });
  });

  it('rejects one changed byte, another size, another name, and what is no snap', async () => {
    const context = session();
    await learn(context, refresh(snap));
    const changed = Buffer.from(snap);
    changed[changed.length - 1] = 1;
    expect(await ask(context, snapUrl, changed)).toMatchObject({
      opinion: 'Rejected',
      reason: expect.stringContaining('is not the one that the store declares'),
    });
    expect(await ask(context, snapUrl, Buffer.from('<html>'))).toMatchObject({
      opinion: 'Rejected',
      reason: expect.stringContaining('is not the one that the store declares'),
    });
    expect(await ask(context, `${store}/x.snap`, Buffer.from('exports'))).toMatchObject({
      opinion: 'Unknown',
      reason: expect.stringContaining('no squashfs image'),
    });
    expect(await ask(context, snapUrl, snap.subarray(0, 200))).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('truncated') });
    const other = session();
    await learn(other, refresh(snap, { name: 'other' }));
    expect((await ask(other, snapUrl, snap)).reason).toContain('calls itself "millrace-sample"');
    const short = session();
    await learn(short, refresh(snap, { download: { url: snapUrl, size: 1, 'sha3-384': digestOf(snap).toString('hex') } }));
    expect((await ask(short, snapUrl, snap)).reason).toContain('but the store declares 1');
  });
});

describe('assertions', () => {
  it('prove a snap up to a configured root key', async () => {
    const context = session({ 'root-keys': [root.id], 'snap-declaration': [{ name: 'publisher-id', value: ['mill'] }] });
    await learnAssertions(context);
    await learn(context, refresh(snap));
    const result = await ask(context, snapUrl, snap);
    expect(result).toMatchObject({ verdict: 'Approved', metadata: { signedBy: `snap:${storeKey.id}` } });
  });

  it('count without a root key, but prove nothing', async () => {
    const context = session();
    await learnAssertions(context);
    expect(await ask(context, snapUrl, snap)).toMatchObject({ verdict: 'Approved', reason: expect.stringContaining('snap-revision assertion'), metadata: {} });
    expect((await ask(context, snapUrl, snap)).metadata.signedBy).toBeUndefined();
  });

  it('are asked for when they are needed and missing', async () => {
    const documents: Record<string, Buffer> = {
      [`snap-revision/${digestOf(snap).toString('base64url')}`]: await revisionBy(storeKey),
      [`account-key/${storeKey.id}`]: await createAccountKey(root, storeKey),
      [`account-key/${root.id}`]: await createAccountKey(root, root),
    };
    const plain = session({ 'root-keys': [root.id] });
    const consult: InspectionContext['consult'] = async (url) => {
      const bytes = documents[url.replace(`${store}:443/v2/assertions/`, '')];
      return bytes === undefined ? 'unreachable' : (await ask({ ...plain, consult }, url, bytes)).verdict === 'Approved' ? 'approved' : 'refused';
    };
    const context = { ...plain, consult };
    await learn(context, refresh(snap));
    expect(await ask(context, snapUrl, snap)).toMatchObject({ verdict: 'Approved', metadata: { signedBy: `snap:${storeKey.id}` } });
  });

  it('are unknown while their key is, and the snap with them', async () => {
    const context = session({ 'root-keys': [root.id] });
    await learn(context, refresh(snap));
    expect(await ask(context, assertionUrl('snap-revision', 'x'), await revisionBy(storeKey))).toMatchObject({
      opinion: 'Unknown',
      reason: expect.stringContaining(`account-key/${storeKey.id} first`),
    });
    expect(await ask(context, snapUrl, snap)).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('before the snap') });
  });

  it('are rejected when a byte of them, or their key, is another', async () => {
    const context = session({ 'root-keys': [root.id] });
    await learnAssertions(context);
    const changed = Buffer.from((await revisionBy(storeKey)).toString().replace('snap-revision: 7', 'snap-revision: 8'));
    expect((await ask(context, assertionUrl('snap-revision', 'x'), changed)).reason).toContain('is not by the key');
    const lying = (await createAccountKey(root, storeKey)).toString().replace(`public-key-sha3-384: ${storeKey.id}`, `public-key-sha3-384: ${developer.id}`);
    expect((await ask(context, assertionUrl('account-key', 'x'), Buffer.from(lying))).reason).toContain('another key than its id says');
  });

  it('of a snap are not taken from a developer, whose key the store vouches for', async () => {
    const context = session({ 'root-keys': [root.id] });
    await learnAssertions(context);
    expect(await ask(context, assertionUrl('account-key', 'x'), await createAccountKey(storeKey, developer))).toMatchObject({ verdict: 'Approved' });
    expect((await ask(context, assertionUrl('snap-revision', 'x'), await revisionBy(developer))).reason).toContain('which only the store may do');
    expect((await ask(context, assertionUrl('snap-revision', 'x'), await revisionBy(developer, snap, { 'authority-id': 'store-account' }))).reason).toContain(
      'which is not its authority',
    );
  });

  it('decide by the configured filter', async () => {
    const context = session({ 'snap-declaration': [{ name: 'publisher-id', value: ['somebody'] }] });
    await learn(context, refresh(snap));
    expect(await ask(context, snapUrl, snap)).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('snap-declaration') });
    await learnAssertions(context);
    expect(await ask(context, snapUrl, snap)).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('publisher-id "mill"') });
  });

  it.each([
    '',
    'type: x',
    'type: x\n\n',
    'no header\n\nAAAA',
    'type: snap-revision\ntype: y\n\nAAAA',
    'type: snap-revision\nbody-length: 99\n\nx\n\nAAAA',
    'type: snap-revision\nbody-length: x\n\nx\n\nAAAA',
  ])('are rejected as %j', async (text) => {
    expect((await ask(session(), assertionUrl('snap-revision', 'x'), Buffer.from(text))).verdict).toBe('Rejected');
  });

  it('need a configuration that can be read', async () => {
    for (const settings of [{ 'root-keys': 'x' }, { 'root-keys': ['x'] }, { 'snap-declaration': {} }, { 'snap-declaration': [{ name: 'x' }] }]) {
      const context = session(settings);
      await learn(context, refresh(snap));
      expect((await ask(context, snapUrl, snap)).reason).toContain('of the inspectors configuration');
    }
  });
});
