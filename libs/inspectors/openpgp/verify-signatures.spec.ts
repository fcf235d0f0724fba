import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import { joinKeyrings, readKeyring, type Keyring } from './keyring.js';
import { describeFailures, signedByMetadata, verifyCleartext, verifyDetached, type SignatureCheck } from './verify-signatures.js';

/** Made by GnuPG 2.2 in January 2024: keys `one` (Ed25519), `two` (RSA-3072 that signs by a subkey), `old` (DSA), `short` (RSA-1024), `revoked`, `expired`. */
function fixture(name: string): Buffer {
  return readFileSync(path.join(import.meta.dirname, '__fixtures__', name));
}

const now = new Date('2024-06-01T00:00:00Z');
const document = fixture('document.txt');
const text = 'Origin: Sample\n- dashed\nFrom here\n\nlast line\n';

async function keyId(): Promise<Record<'one' | 'two', string>> {
  const { fingerprints } = await keys();
  return { one: fingerprints[0] as string, two: fingerprints[1] as string };
}

function keys(name = 'keys.gpg'): Promise<Keyring> {
  return readKeyring(fixture(name));
}

async function detached(signature: string, options: { allowWeakKeys?: boolean; allowExpiredKeys?: boolean } = {}): Promise<SignatureCheck> {
  return verifyDetached(document, fixture(signature), { keyring: await keys(), now, ...options });
}

describe('keyrings', () => {
  it('are read armored and binary, one key and several', async () => {
    const { fingerprints } = await keys();
    expect(fingerprints).toHaveLength(6);
    expect((await keys('keys.asc')).fingerprints).toEqual(fingerprints);
    expect((await keys('one-key.asc')).fingerprints).toEqual(fingerprints.slice(0, 1));
    const blocks = Buffer.concat([fixture('one-key.asc'), Buffer.from('\n'), fixture('keys.asc')]);
    expect((await readKeyring(blocks)).fingerprints).toEqual(fingerprints);
    expect(joinKeyrings([await keys(), await keys('one-key.asc')]).fingerprints).toEqual(fingerprints);
  });

  it.each([
    ['a keybox', Buffer.from('\0\0\0\x20\x01\x01\0\x02KBXf\0\0\0\0', 'latin1'), 'keybox of GnuPG'],
    ['nothing', Buffer.alloc(0), 'cannot be read'],
    ['a page', Buffer.from('<html></html>'), 'cannot be read'],
    ['a signature', fixture('one.sig'), 'cannot be read'],
    ['text around its block', Buffer.concat([fixture('one-key.asc'), Buffer.from('x')]), 'expected only armored blocks'],
    ['a cut block', fixture('one-key.asc').subarray(0, 300), 'expected only armored blocks'],
    ['too many bytes', Buffer.alloc(8 * 1024 * 1024 + 1), 'larger than'],
  ])('are refused when they are %s', async (_case, bytes, reason) => {
    await expect(readKeyring(bytes)).rejects.toThrow(reason);
  });
});

describe('verifyDetached', () => {
  it('names the primary key that signed, by itself or by a subkey, binary and armored', async () => {
    const { one, two } = await keyId();
    expect(await detached('one.sig')).toEqual({ verifiedBy: [one], failures: [] });
    expect(await detached('one.asc')).toEqual({ verifiedBy: [one], failures: [] });
    expect(await detached('two.sig')).toEqual({ verifiedBy: [two], failures: [] });
    expect(signedByMetadata([one, two])).toBe(`openpgp:${one} openpgp:${two}`);
  });

  it('finds one changed byte', async () => {
    const changed = Buffer.from(document);
    changed[8] = 0x74;
    const check = await verifyDetached(changed, fixture('one.sig'), { keyring: await keys(), now });
    expect(check).toMatchObject({ verifiedBy: [], failures: [{ kind: 'bad', reason: expect.stringContaining('did not match') }] });
    expect(describeFailures(check.failures)).toMatch(/^[0-9A-F]{16}: /);
  });

  it.each([
    ['old.sig', 'unusable-key', 'too weak'],
    ['short.sig', 'unusable-key', 'too weak'],
    ['revoked.sig', 'unusable-key', 'revoked'],
    ['expired.sig', 'unusable-key', 'expired'],
    ['sha1.sig', 'weak-hash', 'SHA-1'],
  ])('does not count %s: %s', async (name, kind, reason) => {
    expect(await detached(name)).toMatchObject({ verifiedBy: [], failures: [{ kind, reason: expect.stringContaining(reason) }] });
  });

  it('counts weak and expired keys when it is told to, never revoked ones or weak hashes', async () => {
    const all = { allowWeakKeys: true, allowExpiredKeys: true };
    for (const name of ['old.sig', 'short.sig', 'expired.sig']) expect((await detached(name, all)).verifiedBy).toHaveLength(1);
    for (const name of ['revoked.sig', 'sha1.sig']) expect((await detached(name, all)).verifiedBy).toEqual([]);
  });

  it('does not believe a key or a signature from the future', async () => {
    const check = await verifyDetached(document, fixture('one.sig'), { keyring: await keys(), now: new Date('2023-01-01') });
    expect(check.verifiedBy).toEqual([]);
  });

  it('tells a key that it does not know', async () => {
    const check = await verifyDetached(document, fixture('two.sig'), { keyring: await keys('one-key.asc'), now });
    expect(check).toMatchObject({ verifiedBy: [], failures: [{ kind: 'unknown-key' }] });
  });

  it('takes any copy of a key in several keyrings', async () => {
    const keyring = joinKeyrings([await keys('one-key.asc'), await keys()]);
    expect((await verifyDetached(document, fixture('one.sig'), { keyring, now })).verifiedBy).toHaveLength(1);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a page', Buffer.from('<html></html>')],
    ['keys', fixture('keys.gpg')],
    ['a cut signature', fixture('one.sig').subarray(0, 60)],
    ['a cut armored one', fixture('one.asc').subarray(0, 150)],
    ['text before the armor', Buffer.concat([Buffer.from('hello\n'), fixture('one.asc')])],
    ['text after the armor', Buffer.concat([fixture('one.asc'), Buffer.from('hello\n')])],
    ['too many signatures', Buffer.concat(Array.from({ length: 17 }, () => fixture('one.sig')))],
    ['too many bytes', Buffer.alloc(256 * 1024 + 1)],
  ])('throws a reason for %s', async (_case, signature) => {
    const refused = await verifyDetached(document, signature, { keyring: await keys(), now }).catch((error: unknown) => error);
    expect(isMillraceError(refused)).toBe(true);
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(verifyDetached(document, fixture('one.sig'), { keyring: await keys(), now, signal })).rejects.toThrow('enough');
  });
});

describe('verifyCleartext', () => {
  it('gives the text that was signed, without escapes and trailing blanks', async () => {
    const { one, two } = await keyId();
    const keyring = await keys();
    expect(await verifyCleartext(fixture('one.clear'), { keyring, now })).toEqual({ verifiedBy: [one], failures: [], text: Buffer.from(text) });
    expect((await verifyCleartext(fixture('both.clear'), { keyring, now })).verifiedBy).toEqual([one, two]);
    const crlf = Buffer.from(fixture('one.clear').toString().replaceAll('\n', '\r\n'));
    expect(await verifyCleartext(crlf, { keyring, now })).toMatchObject({ verifiedBy: [one], text: Buffer.from(text) });
  });

  it('counts the known key of two, and tells the other', async () => {
    const check = await verifyCleartext(fixture('both.clear'), { keyring: await keys('one-key.asc'), now });
    expect(check).toMatchObject({ verifiedBy: [(await keyId()).one], failures: [{ kind: 'unknown-key' }] });
  });

  it('finds one changed byte', async () => {
    const changed = Buffer.from(fixture('one.clear').toString().replace('Sample', 'Simple'));
    expect(await verifyCleartext(changed, { keyring: await keys(), now })).toMatchObject({ verifiedBy: [], failures: [{ kind: 'bad' }] });
  });

  const clear = fixture('one.clear').toString();
  it.each([
    ['text before it', `Origin: Evil\n${clear}`, 'from its first line'],
    ['text after it', `${clear}Origin: Evil\n`, 'expected only armored blocks'],
    ['a second message', clear + clear, 'expected only armored blocks'],
    ['another header', clear.replace('Hash: SHA512', 'Hash: SHA512\nOrigin: Evil'), 'malformed headers'],
    ['no signature', clear.slice(0, clear.indexOf('-----BEGIN PGP SIGNATURE')), 'no signature'],
    ['a dash that is not escaped', clear.replace('- - dashed', '-dashed'), 'begins with a dash'],
    ['a signature that is cut', clear.slice(0, -40), 'expected only armored blocks'],
    ['nothing', '', 'from its first line'],
  ])('throws a reason for a message with %s', async (_case, message, reason) => {
    await expect(verifyCleartext(Buffer.from(message), { keyring: await keys(), now })).rejects.toThrow(reason);
  });
});

it('never crashes on mutated messages, signatures and keys, and never believes them', async () => {
  const keyring = await keys();
  const seeds = ['both.clear', 'one.sig', 'one.asc', 'keys.gpg'].map(fixture);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...seeds), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat({ max: 40 }), async (seed, at, change, cut) => {
      const bytes = Buffer.from(seed);
      const place = at % bytes.length;
      bytes[place] = (bytes[place] as number) ^ change;
      const mutated = bytes.subarray(0, bytes.length - cut);
      const outcomes = await Promise.allSettled([verifyCleartext(mutated, { keyring, now }), verifyDetached(Buffer.from('other'), mutated, { keyring, now }), readKeyring(mutated)]);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(isMillraceError(outcome.reason)).toBe(true);
      if (outcomes[0].status === 'fulfilled' && outcomes[0].value.verifiedBy.length > 0) expect(outcomes[0].value.text.toString()).toBe(text);
      if (outcomes[1].status === 'fulfilled') expect(outcomes[1].value.verifiedBy).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
