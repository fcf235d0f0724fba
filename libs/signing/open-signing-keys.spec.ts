import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../testing/describe-with.js';
import { openGnupgHome, type GnupgHome } from './__fixtures__/gnupg-home.js';
import { openSigningKeys } from './open-signing-keys.js';
import type { SigningKeys } from './signer.js';

const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-signing-'));
const password = 'correct horse battery';
const release = 'Origin: Sample\nSuite: stable\n- a line with a dash\nDescription: ends with blanks  \n';
const at = '2026-11-01T10:00:00Z';
let gnupg: GnupgHome;
let keysFile: string;
let homes = 0;

const write = (name: string, content: string | Buffer): string => {
  const file = path.join(directory, name);
  writeFileSync(file, content);
  return file;
};

function open(file: string | null = keysFile, home?: string): Promise<SigningKeys> {
  homes += 1;
  return openSigningKeys({ home: home ?? path.join(directory, `home-${homes}`), repositoryKeysFile: file ?? undefined }, { ...process.env, LOCKED_PASSWORD: password });
}

/** What GnuPG's own verifier says, which knows these keys and no others. */
function gpgv(keyring: string, files: readonly string[]): { readonly good: boolean; readonly status: string } {
  const { status, stdout } = spawnSync('gpgv', ['--status-fd', '1', '--keyring', path.join(directory, keyring), ...files], { encoding: 'utf8' });
  return { good: status === 0, status: stdout };
}

describeWith('gpg', 'signing keys', () => {
  beforeAll(() => {
    gnupg = openGnupgHome(path.join(directory, 'gnupg'));
    gnupg.makeKey('plain', { time: '20260101T000000!' });
    gnupg.makeKey('locked', { password, algorithm: 'rsa2048', time: '20260101T000000!' });
    gnupg.makeKey('expired', { expires: '20200601T000000', time: '20200101T000000!' });
    gnupg.makeKey('revoked', { time: '20260101T000000!' });
    gnupg.revoke('revoked');
    for (const user of ['plain', 'expired', 'revoked']) write(`${user}.asc`, gnupg.secretKey(user));
    write('locked.asc', gnupg.secretKey('locked', password));
    write('public.asc', gnupg.publicKey('plain'));
    write('binary.gpg', gnupg.keyring('plain'));
    for (const user of ['plain', 'locked']) write(`${user}.kbx`, gnupg.keyring(user));
    keysFile = write(
      'keys.yaml',
      `keys:
  plain: { kind: openpgp, secret-key: { file: ${directory}/plain.asc } }
  locked: { kind: openpgp, secret-key: { file: ${directory}/locked.asc }, password: { env: LOCKED_PASSWORD } }
  expired: { kind: openpgp, secret-key: { file: ${directory}/expired.asc } }
  revoked: { kind: openpgp, secret-key: { file: ${directory}/revoked.asc } }
`,
    );
  }, 60_000);

  afterAll(() => {
    gnupg.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('signs bytes and text so that GnuPG believes either of two keys, whichever it has', async () => {
    const keys = await open();
    const content = Buffer.from('<repomd/>\n');
    const files = [write('repomd.xml.asc', await keys.detached(['plain', 'locked'], content)), write('repomd.xml', content)];
    const message = write('InRelease', await keys.cleartext(['plain', 'locked'], release));
    for (const keyring of ['plain.kbx', 'locked.kbx']) {
      expect(gpgv(keyring, files).status).toContain('VALIDSIG');
      expect(gpgv(keyring, [message]).status).toContain('VALIDSIG');
      expect(gpgv(keyring, [message]).status).not.toContain('BADSIG');
    }
    write('both.kbx', Buffer.concat([gnupg.keyring('plain'), gnupg.keyring('locked')]));
    expect(gpgv('both.kbx', files)).toMatchObject({ good: true });
    expect(gpgv('both.kbx', [message]).status.match(/VALIDSIG/g)).toHaveLength(2);
    const text = execFileSync('gpgv', ['--quiet', '--keyring', path.join(directory, 'both.kbx'), '--output', '-', message], { encoding: 'utf8', stdio: 'pipe' });
    expect(text).toBe(release.replace('blanks  ', 'blanks'));
    await keys.close();
  });

  it('does not verify over other bytes', async () => {
    const keys = await open();
    const files = [write('other.asc', await keys.detached(['plain'], Buffer.from('one'))), write('other', 'two')];
    expect(gpgv('plain.kbx', files)).toMatchObject({ good: false });
    expect(gpgv('plain.kbx', files).status).toContain('BADSIG');
  });

  it('makes the same bytes again for the same moment, in another process as well', async () => {
    const [one, other] = [await open(), await open()];
    const content = Buffer.from('an index');
    const signature = await one.detached(['plain', 'locked'], content, { at });
    expect(await other.detached(['plain', 'locked'], content, { at })).toBe(signature);
    expect(await other.cleartext(['plain', 'locked'], release, { at })).toBe(await one.cleartext(['plain', 'locked'], release, { at }));
    expect(await one.detached(['plain', 'locked'], content, { at: '2026-11-01T10:00:01Z' })).not.toBe(signature);
  });

  it('never tells a moment before its key was made, which no client believes', async () => {
    const keys = await open();
    const content = Buffer.from('an index');
    const files = [write('early.asc', await keys.detached(['plain'], content, { at: '2001-01-01T00:00:00Z' })), write('early', content)];
    expect(gpgv('plain.kbx', files).status).toMatch(/VALIDSIG \S+ 2026-01-01/);
  });

  it('lists public halves, and when they expire', async () => {
    const listed = await (await open()).list();
    expect(listed.map(({ name, expiresAt, held }) => ({ name, expiresAt, held }))).toEqual([
      { name: 'expired', expiresAt: '2020-06-01T00:00:00.000Z', held: 'service' },
      { name: 'locked', expiresAt: null, held: 'service' },
      { name: 'plain', expiresAt: null, held: 'service' },
      { name: 'revoked', expiresAt: null, held: 'service' },
    ]);
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gnupg.gpg(['--with-colons', '--list-keys', 'plain']).toString('utf8'))?.[1];
    expect(listed[2]).toMatchObject({ kind: 'openpgp', fingerprint });
    expect(listed.map(({ publicKey }) => publicKey).join('')).not.toContain('PRIVATE');
  });

  it.each([
    ['expired', 'it has expired on 2020-06-01'],
    ['revoked', 'it is revoked'],
  ])('signs nothing with an %s key', async (name, reason) => {
    const keys = await open();
    await expect(keys.detached(['plain', name], Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid-setting', message: `the key ${name} cannot be used: ${reason}${name === 'expired' ? 'T00:00:00.000Z' : ''}` });
  });

  it.each([
    ['no file', '{ kind: openpgp, secret-key: { file: /nonexistent/key } }', 'cannot read /nonexistent/key'],
    ['a public key', '{ kind: openpgp, secret-key: { file: DIRECTORY/public.asc } }', 'secret-key names a public key'],
    ['a binary key', '{ kind: openpgp, secret-key: { file: DIRECTORY/binary.gpg } }', 'no armoured OpenPGP key'],
    ['no password', '{ kind: openpgp, secret-key: { file: DIRECTORY/locked.asc } }', 'has a password, and none is given'],
    ['a wrong password', '{ kind: openpgp, secret-key: { file: DIRECTORY/locked.asc }, password: { file: DIRECTORY/wrong-password } }', 'the password does not open its secret key'],
    ['a damaged key', '{ kind: openpgp, secret-key: { file: DIRECTORY/damaged.asc } }', 'its secret half cannot be read'],
  ])('says what is wrong with %s, and no secret', async (_what, key, reason) => {
    write('wrong-password', 'not the password');
    write('damaged.asc', gnupg.secretKey('plain').replace(/\n[^\n]{60,}\n/, '\n'));
    const file = write('wrong.yaml', `keys:\n  one: ${key.replaceAll('DIRECTORY', directory)}\n`);
    const failure = await (await open(file)).detached(['one'], Buffer.from('x')).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'invalid-setting', message: expect.stringContaining(reason) });
    const told = JSON.stringify([String(failure), (failure as Error).stack, (failure as { cause?: unknown }).cause]);
    for (const secret of ['not the password', password, gnupg.secretKey('plain').split('\n')[3] as string]) expect(told).not.toContain(secret);
  });

  it('refuses a file of keys with mistakes at the start, with the place of each', async () => {
    const file = write('mistakes.yaml', 'keys:\n  Upper: { kind: openpgp, secret-key: { file: /x } }\n  two: { kind: gpg, secret-key: literal }\n');
    await expect(open(file)).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringMatching(/keys\.Upper.*keys\.two/) });
  });

  it('knows no key by a name that nobody has given', async () => {
    const keys = await open();
    for (const name of ['nobody', 'constructor', '__proto__']) await expect(keys.detached([name], Buffer.from('x'))).rejects.toMatchObject({ code: 'key-not-found' });
    await expect(keys.detached([], Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('takes a key that was changed in its file without a restart', async () => {
    const file = write('changing.yaml', `keys:\n  one: { kind: openpgp, secret-key: { file: ${directory}/changing.asc } }\n`);
    write('changing.asc', gnupg.secretKey('plain'));
    const keys = await open(file);
    const before = (await keys.list())[0]?.fingerprint;
    write('changing.asc', gnupg.secretKey('revoked'));
    expect((await keys.list())[0]?.fingerprint).not.toBe(before);
  });

  it('makes a key of its own once, whoever comes first, that only the service can read', async () => {
    const home = path.join(directory, 'shared-home');
    const processes = await Promise.all(Array.from({ length: 6 }, () => open(null, home)));
    expect(await (processes[0] as SigningKeys).list()).toEqual([]);
    const content = Buffer.from('an index');
    const signatures = await Promise.all(processes.map((keys) => keys.detached(['default'], content, { at: '2099-01-01T00:00:00Z' })));
    expect(new Set(signatures).size).toBe(1);
    expect(readdirSync(path.join(home, 'keys'))).toEqual(['default.asc']);
    expect(statSync(path.join(home, 'keys/default.asc')).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(home, 'keys')).mode & 0o777).toBe(0o700);
    const [key] = await (processes[1] as SigningKeys).list();
    expect(key).toMatchObject({ name: 'default', held: 'service', expiresAt: null });
    gnupg.gpg(['--import'], key?.publicKey);
    write('default.kbx', gnupg.keyring('Millrace package repositories'));
    const files = [write('default.sig', await (processes[2] as SigningKeys).detached(['default'], content)), write('default', content)];
    expect(gpgv('default.kbx', files)).toMatchObject({ good: true });
  });
});
