import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { describeWith } from '../testing/describe-with.js';
import { keyIdText } from './minisign-format.js';
import { openMinisignKey } from './minisign-key.js';
import { verifyMinisign } from './minisign-signature.js';
import { openSigningKeys } from './open-signing-keys.js';

const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-minisign-'));
const password = 'correct horse battery';
const content = Buffer.from('what a repository file says');
const about = { fileName: 'repo', at: '2026-11-21T12:00:00Z' };
const file = (name: string): string => path.join(directory, name);

/** What `minisign -G` makes, protected with less than its GiB of memory: by another implementation of scrypt and of BLAKE2b. */
const lockScript = `
import base64, hashlib, struct, sys
plain, out, password, operations, memory, n, p = sys.argv[1], sys.argv[2], sys.argv[3].encode(), int(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6]), int(sys.argv[7])
raw = base64.b64decode(open(plain).read().split('\\n')[1])
body = raw[54:126]
body += hashlib.blake2b(b'Ed' + body, digest_size=32).digest()
salt = bytes(range(32))
stream = hashlib.scrypt(password, salt=salt, n=n, r=8, p=p, maxmem=2 ** 28, dklen=104)
locked = b'EdScB2' + salt + struct.pack('<QQ', operations, memory) + bytes(a ^ b for a, b in zip(body, stream))
open(out, 'w').write('untrusted comment: minisign encrypted secret key\\n' + base64.b64encode(locked).decode() + '\\n')
`;

function verifies(name: string): { readonly good: boolean; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('minisign', ['-V', '-p', file('key.pub'), '-m', file(name)], { encoding: 'utf8' });
  return { good: status === 0, output: stdout + stderr };
}

describeWith('minisign', 'keys of minisign', () => {
  let plain = '';
  let locked = '';
  let publicKey = '';

  beforeAll(() => {
    execFileSync('minisign', ['-G', '-W', '-p', file('key.pub'), '-s', file('plain.key')], { stdio: 'pipe' });
    execFileSync('python3', ['-c', lockScript, file('plain.key'), file('locked.key'), password, '524288', '16777216', '16384', '1']);
    plain = readFileSync(file('plain.key'), 'utf8');
    locked = readFileSync(file('locked.key'), 'utf8');
    publicKey = readFileSync(file('key.pub'), 'utf8');
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('sign so that minisign verifies it, prehashed, with its own trusted comment', async () => {
    const signer = await openMinisignKey('ours', { text: locked, password });
    writeFileSync(file('repo'), content);
    writeFileSync(file('repo.minisig'), signer.sign(content, about));
    expect(verifies('repo')).toMatchObject({ good: true, output: expect.stringContaining('timestamp:1795262400\tfile:repo\thashed') });
    expect(publicKey).toContain(signer.key.publicKey);
    expect(publicKey).toContain(`minisign public key ${signer.key.fingerprint}\n`);
    writeFileSync(file('repo'), `${content.toString()}.`);
    expect(verifies('repo').good).toBe(false);
  });

  it('are named as minisign names them, without the zeros that one id in sixteen begins with', () => {
    expect(keyIdText(Buffer.from('1a38f7780bc55501', 'hex'))).toBe('155C50B78F7381A');
  });

  it('sign the same again for the same moment, whether the key has its comment, a password or neither', async () => {
    const line = (text: string): string => text.split('\n')[1] as string;
    const secrets = [{ text: locked, password }, { text: line(locked), password }, { text: plain, password: undefined }, { text: `\n${line(plain)}\r\n`, password: 'not needed' }];
    const signatures = await Promise.all(secrets.map(async (secret) => (await openMinisignKey('ours', secret)).sign(content, about)));
    expect(new Set(signatures).size).toBe(1);
    expect((await openMinisignKey('ours', { text: plain, password: undefined })).sign(content, { ...about, at: '2026-11-21T12:00:01Z' })).not.toBe(signatures[0]);
  });

  it('are protected by scrypt with the parameters that minisign reads in them', async () => {
    writeFileSync(file('theirs'), content);
    // The second of the limits decides, then the first, then their least.
    for (const [operations, memory, n, p] of [[524_288, 16_777_216, 16_384, 1], [1_048_576, 1_048_576, 1024, 32], [100, 16_777_216, 1024, 1]] as const) {
      execFileSync('python3', ['-c', lockScript, file('plain.key'), file('other.key'), password, ...[operations, memory, n, p].map(String)]);
      execFileSync('minisign', ['-S', '-s', file('other.key'), '-m', file('theirs'), '-x', file('theirs.minisig')], { input: `${password}\n`, stdio: 'pipe' });
      await expect(openMinisignKey('ours', { text: readFileSync(file('other.key'), 'utf8'), password })).resolves.toMatchObject({ key: { kind: 'minisign', held: 'service', expiresAt: null } });
    }
  });

  it('are verified as minisign signs with them, prehashed or as it did of old', () => {
    writeFileSync(file('theirs'), content);
    for (const way of [[], ['-l']]) {
      execFileSync('minisign', ['-S', ...way, '-s', file('plain.key'), '-t', 'made by hand', '-m', file('theirs'), '-x', file('theirs.minisig')], { stdio: 'pipe' });
      const signature = readFileSync(file('theirs.minisig'), 'utf8');
      expect(verifyMinisign({ publicKeys: [otherPublicKey, publicKey.split('\n')[1] as string], content, signature })).toMatchObject({ comment: 'made by hand' });
      expect(() => verifyMinisign({ publicKeys: [publicKey], content: Buffer.from('other'), signature })).toThrow(/not of these bytes/);
      expect(() => verifyMinisign({ publicKeys: [publicKey], content, signature: signature.replace('by hand', 'by hant') })).toThrow(/its comment was changed/);
      expect(() => verifyMinisign({ publicKeys: [otherPublicKey], content, signature })).toThrow(/it is of the key [0-9A-F]{1,16}; trusted: 807060504030201/);
    }
    expect(() => verifyMinisign({ publicKeys: ['nonsense'], content, signature: '' })).toThrow(expect.objectContaining({ code: 'invalid-setting' }));
  });

  it('are verified or refused, whatever stands in the place of a signature', async () => {
    const signature = (await openMinisignKey('ours', { text: plain, password: undefined })).sign(content, about);
    const changes = fc.array(fc.record({ at: fc.nat(signature.length - 1), text: fc.string({ maxLength: 3 }) }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.oneof(fc.string(), changes.map((list) => list.reduce((text, { at, text: put }) => text.slice(0, at) + put + text.slice(at + 1), signature))), (text) => {
        const [, line, , last] = text.split(/\r?\n/);
        try {
          verifyMinisign({ publicKeys: [publicKey], content, signature: text });
          const bytes = [line, last].map((each = '') => Buffer.from(each, 'base64'));
          expect(bytes).toEqual([signature.split('\n')[1], signature.split('\n')[3]].map((each = '') => Buffer.from(each, 'base64')));
        } catch (error) {
          expect(error).toMatchObject({ code: 'source-invalid' });
        }
      }),
    );
  });

  it.each<[string, () => { readonly text: string; readonly password: string | undefined }, string]>([
    ['a public key', () => ({ text: publicKey, password: undefined }), 'secret-key names a public key'],
    ['a key of OpenPGP', () => ({ text: '-----BEGIN PGP PRIVATE KEY BLOCK-----\n', password: undefined }), 'no minisign key'],
    ['half a key', () => ({ text: plain.slice(0, -20), password: undefined }), 'no minisign key'],
    ['no password', () => ({ text: locked, password: undefined }), 'has a password, and none is given'],
    ['a wrong password', () => ({ text: locked, password: 'guessed' }), 'the password does not open its secret key'],
    ['damage', () => ({ text: changedAt(plain, 100, 1), password: undefined }), 'its secret key is damaged'],
    ['a protection that takes all memory', () => ({ text: changedAt(locked, 53, 1), password }), 'bytes of memory and 524288 operations, which is too much'],
    ['an unknown protection', () => ({ text: changedAt(plain, 2, 65), password }), 'protected in a way that is not known'],
  ])('with %s are refused, without a word of their secrets', async (_what, secret, reason) => {
    const failure: unknown = await openMinisignKey('ours', secret()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'invalid-setting', message: expect.stringContaining(reason) });
    for (const told of [password, 'guessed', plain.split('\n')[1] as string, locked.split('\n')[1] as string]) expect(String(failure)).not.toContain(told);
  });

  it('are named in the file of keys beside those of OpenPGP', async () => {
    const keysFile = file('keys.yaml');
    writeFileSync(keysFile, `keys:\n  haiku: { kind: minisign, secret-key: { file: ${file('locked.key')} }, password: { env: REPO_PASSWORD } }\n  other: { kind: openpgp, secret-key: { file: /nonexistent } }\n`);
    const keys = await openSigningKeys({ home: directory, repositoryKeysFile: keysFile }, { REPO_PASSWORD: password });
    const signature = await keys.minisign('haiku', content, about);
    expect(verifyMinisign({ publicKeys: [publicKey], content, signature })).toMatchObject({ comment: 'timestamp:1795262400\tfile:repo\thashed' });
    await expect(keys.minisign('other', content, about)).rejects.toMatchObject({ code: 'key-not-found', message: expect.stringContaining('one of OpenPGP') });
    await expect(keys.minisign('lost', content, about)).rejects.toMatchObject({ code: 'key-not-found', message: 'there is no key lost' });
    await expect(keys.detached(['haiku'], content)).rejects.toMatchObject({ code: 'key-not-found' });
    await keys.close();
  });
});

const otherPublicKey = Buffer.concat([Buffer.from('Ed'), Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]), Buffer.alloc(32, 9)]).toString('base64');

function changedAt(text: string, at: number, by: number): string {
  const [comment = '', line = ''] = text.split('\n');
  const bytes = Buffer.from(line, 'base64');
  bytes[at] = (bytes[at] ?? 0) ^ by;
  return `${comment}\n${bytes.toString('base64')}\n`;
}
