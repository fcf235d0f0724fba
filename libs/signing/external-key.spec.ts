import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../testing/describe-with.js';
import { verifyCleartext, verifyDetached } from '../inspectors/openpgp/verify-signatures.js';
import { readKeyring } from '../inspectors/openpgp/keyring.js';
import { openGnupgHome, type GnupgHome } from './__fixtures__/gnupg-home.js';
import { openSigningKeys } from './open-signing-keys.js';
import type { SigningKeys } from './signer.js';

const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-signer-'));
const content = Buffer.from('<repomd/>\n');
let gnupg: GnupgHome;

/** A program that stands for a signer which does this. */
function program(name: string, script: string): string {
  const file = path.join(directory, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o700);
  return file;
}

function open(command: readonly string[], { timeout = 20, environment = [] as readonly string[] } = {}): Promise<SigningKeys> {
  const file = path.join(directory, `keys-${Math.random()}.yaml`);
  writeFileSync(file, JSON.stringify({ keys: { hsm: { kind: 'openpgp', 'public-key': { file: path.join(directory, 'signer.asc') }, command, timeout, environment } } }));
  return openSigningKeys({ home: directory, repositoryKeysFile: file }, { PATH: process.env['PATH'], HOME: directory, GNUPGHOME: gnupg.path, MILLRACE_CONTROL_AUTH: 'millrace:secret', CHOSEN: 'yes' });
}

const gpg = (user: string): string[] => ['gpg', '--batch', '--quiet', '--armor', '--local-user', user, '{mode}'];

describeWith('gpg', 'a key that another program has', () => {
  beforeAll(() => {
    gnupg = openGnupgHome(path.join(directory, 'gnupg'));
    for (const user of ['signer', 'other']) gnupg.makeKey(user);
    writeFileSync(path.join(directory, 'signer.asc'), gnupg.publicKey('signer'));
  }, 60_000);
  afterAll(() => {
    gnupg.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('signs bytes and text by the agent of GnuPG', async () => {
    const keys = await open(gpg('signer'));
    const keyring = await readKeyring(Buffer.from(gnupg.publicKey('signer')));
    const signature = await keys.detached(['hsm'], content, { at: '2026-01-01T00:00:00Z' });
    expect(await verifyDetached(content, Buffer.from(signature), { keyring })).toEqual({ verifiedBy: keyring.fingerprints, failures: [] });
    const message = await keys.cleartext(['hsm'], 'Suite: stable \n- dash\n');
    expect(await verifyCleartext(Buffer.from(message), { keyring })).toEqual({ verifiedBy: keyring.fingerprints, failures: [], text: Buffer.from('Suite: stable\n- dash\n') });
    expect(await keys.list()).toMatchObject([{ name: 'hsm', held: 'external', fingerprint: keyring.fingerprints[0] }]);
    await keys.close();
  });

  it('signs beside a key of the service, in one document', async () => {
    const keys = await open(gpg('signer'));
    const keyring = await readKeyring(Buffer.from(gnupg.publicKey('signer')));
    const message = await keys.cleartext(['default', 'hsm'], 'Suite: stable\n');
    const made = (await keys.list()).find(({ name }) => name === 'default');
    const both = { keys: [...keyring.keys, ...(await readKeyring(Buffer.from(made?.publicKey ?? ''))).keys], fingerprints: [] };
    expect((await verifyCleartext(Buffer.from(message), { keyring: both })).verifiedBy.toSorted()).toEqual([made?.fingerprint, keyring.fingerprints[0]].toSorted());
    await keys.close();
  });

  it('gets only the variables that are chosen for it, and no shell', async () => {
    const dump = path.join(directory, 'environment');
    const keys = await open([program('dump', `env > ${dump}; echo "$1" >> ${dump}; cat > /dev/null`), '$(touch /tmp/never); {mode}'], { environment: ['CHOSEN'] });
    await expect(keys.detached(['hsm'], content)).rejects.toMatchObject({ code: 'signing-unavailable' });
    const seen = readFileSync(dump, 'utf8');
    expect(seen).toContain('MILLRACE_SIGNING_KEY=hsm\n');
    expect(seen).toContain('MILLRACE_SIGNING_MODE=detached\n');
    expect(seen).toContain('CHOSEN=yes\n');
    expect(seen).toContain('$(touch /tmp/never); {mode}\n');
    expect(seen).not.toContain('secret');
  });

  it.each([
    ['signs with another key', (): string[] => gpg('other'), 'does not hold'],
    ['signs other bytes', (): string[] => [program('other-bytes', 'cat > /dev/null; echo other | gpg --batch --quiet --armor --local-user signer --detach-sign')], 'does not hold'],
    ['answers nothing', (): string[] => [program('silent', 'cat > /dev/null')], 'answers no signature'],
    ['answers a page of a proxy', (): string[] => [program('page', 'cat > /dev/null; echo "<html>502</html>"')], 'answers no signature'],
    ['answers a cleartext message', (): string[] => ['gpg', '--batch', '--quiet', '--armor', '--local-user', 'signer', '--clearsign'], 'answers no signature'],
    ['answers without end', (): string[] => [program('endless', 'exec yes')], 'answers more than'],
    ['fails', (): string[] => [program('fails', 'cat > /dev/null; echo "token not there" >&2; exit 3')], 'ended with status 3: token not there'],
    ['makes a signature that will be over, and the repository with it,', (): string[] => ['gpg', '--batch', '--quiet', '--armor', '--local-user', 'signer', '--default-sig-expire', '7d', '{mode}'], 'expires on'],
    ['is killed', (): string[] => [program('killed', 'kill -9 $$')], 'ended with status'],
    ['is not there', (): string[] => ['/nonexistent/signer'], 'could not be run'],
    ['reads nothing', (): string[] => [program('closed', 'exec 0<&-; exit 0')], 'answers no signature'],
  ])('is not believed when it %s', async (_what, command, reason) => {
    const keys = await open(command());
    const large = Buffer.alloc(4 * 1024 * 1024, 'x');
    await expect(keys.detached(['hsm'], large)).rejects.toMatchObject({ code: 'signing-unavailable', message: expect.stringMatching(new RegExp(`^the signer of the key hsm .*${reason}`)) });
  });

  it('is not believed when it signs another text than it was given', async () => {
    const keys = await open([program('other-text', 'sed s/stable/unstable/ | gpg --batch --quiet --armor --local-user signer --clearsign')]);
    await expect(keys.cleartext(['hsm'], 'Suite: stable\n')).rejects.toMatchObject({ code: 'signing-unavailable', message: expect.stringContaining('another text') });
  });

  it('is ended with all that it has started when it takes too long', async () => {
    const pids = path.join(directory, 'pids');
    const keys = await open([program('hangs', `sleep 600 & echo $! > ${pids}; wait`)], { timeout: 0.5 });
    await expect(keys.detached(['hsm'], content)).rejects.toMatchObject({ code: 'signing-unavailable', message: expect.stringContaining('within 0.5 s') });
    const child = readFileSync(pids, 'utf8').trim();
    await gone(child);
  });

  it('is ended when the service stops', async () => {
    const started = path.join(directory, 'started');
    const keys = await open([program('waits', `echo $$ > ${started}; exec sleep 600`)], { timeout: 600 });
    const failing = expect(keys.detached(['hsm'], content)).rejects.toMatchObject({ code: 'signing-unavailable', message: 'the service is stopping' });
    while (!existsSync(started) || readFileSync(started, 'utf8') === '') await new Promise((resolve) => setTimeout(resolve, 10));
    await keys.close();
    await failing;
    await gone(readFileSync(started, 'utf8').trim());
  });
});

/** Ends when the process has, or with the time of the test. A zombie that nobody waits for is gone, too. */
async function gone(pid: string): Promise<void> {
  const file = `/proc/${pid}/stat`;
  while (existsSync(file) && !/\) Z /.test(readFileSync(file, 'utf8'))) await new Promise((resolve) => setTimeout(resolve, 10));
}
