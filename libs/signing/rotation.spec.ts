import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../testing/describe-with.js';
import { openGnupgHome, type GnupgHome } from './__fixtures__/gnupg-home.js';
import { openSigningKeys } from './open-signing-keys.js';
import type { SigningKeys } from './signer.js';

const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-rotation-'));
let gnupg: GnupgHome;
let keys: SigningKeys;

const place = (...parts: readonly string[]): string => path.join(directory, ...parts);

/** Clients that know the old key, those that know the new one, and those that know another. */
const rotation = [
  ['old', ['old', 'new'], true],
  ['new', ['old', 'new'], true],
  ['other', ['old', 'new'], false],
  ['old', ['new'], false],
] as const;

beforeAll(async () => {
  gnupg = openGnupgHome(place('gnupg'));
  gnupg.makeKey('old', { algorithm: 'rsa2048' });
  for (const user of ['new', 'other']) gnupg.makeKey(user);
  for (const user of ['old', 'new', 'other']) {
    writeFileSync(place(`${user}.asc`), gnupg.secretKey(user));
    writeFileSync(place(`${user}.public.asc`), gnupg.publicKey(user));
  }
  writeFileSync(place('keys.yaml'), JSON.stringify({ keys: { old: { kind: 'openpgp', 'secret-key': { file: place('old.asc') } }, new: { kind: 'openpgp', 'secret-key': { file: place('new.asc') } } } }));
  keys = await openSigningKeys({ home: directory, repositoryKeysFile: place('keys.yaml') }, {});
}, 60_000);

afterAll(async () => {
  await keys.close();
  gnupg.close();
  rmSync(directory, { recursive: true, force: true });
});

describeWith('dnf', 'dnf during a rotation of keys', () => {
  it.each(rotation)('that knows the %s key, of a repository signed with %j: %s', async (known, signedWith, believed) => {
    const repository = mkdtempSync(place('rpm-'));
    execFileSync('createrepo_c', ['--quiet', repository]);
    const repomd = path.join(repository, 'repodata/repomd.xml');
    writeFileSync(`${repomd}.asc`, await keys.detached(signedWith, readFileSync(repomd)));
    const own = mkdtempSync(place('dnf-'));
    mkdirSync(path.join(own, 'logdir'));
    const places = ['reposdir', 'cachedir', 'persistdir', 'varsdir', 'logdir'].map((name) => `--setopt=${name}=${own}/${name}`);
    const options = ['--assumeyes', '--disableplugin=*', `--installroot=${own}/root`, '--releasever=1', ...places, `--repofrompath=sample,file://${repository}`, '--repo=sample'];
    const { status, stderr } = spawnSync('dnf', [...options, '--setopt=sample.repo_gpgcheck=1', '--setopt=sample.skip_if_unavailable=0', `--setopt=sample.gpgkey=file://${place(`${known}.public.asc`)}`, 'makecache'], { encoding: 'utf8' });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual(believed ? { status: 0, stderr: '' } : { status: 1, stderr: expect.stringMatching(/GPG|signature/i) });
  }, 60_000);
});

describeWith('apt', 'apt during a rotation of keys', () => {
  it.each(rotation)('that knows the %s key, of a repository signed with %j: %s', async (known, signedWith, believed) => {
    const repository = mkdtempSync(place('deb-'));
    const suite = path.join(repository, 'dists/stable');
    mkdirSync(path.join(suite, 'main/binary-amd64'), { recursive: true });
    writeFileSync(path.join(suite, 'main/binary-amd64/Packages'), '');
    const empty = createHash('sha256').update('').digest('hex');
    const release = `Suite: stable\nDate: ${new Date().toUTCString().replace('GMT', 'UTC')}\nArchitectures: amd64\nComponents: main\nSHA256:\n ${empty} 0 main/binary-amd64/Packages\n`;
    writeFileSync(path.join(suite, 'InRelease'), await keys.cleartext(signedWith, release));
    const own = mkdtempSync(place('apt-'));
    for (const folder of ['etc/preferences.d', 'state/lists/partial', 'cache/archives/partial']) mkdirSync(path.join(own, folder), { recursive: true });
    writeFileSync(path.join(own, 'sources.list'), `deb [arch=amd64 signed-by=${place(`${known}.public.asc`)}] file:${repository} stable main\n`);
    writeFileSync(path.join(own, 'status'), '');
    const settings = { Dir: `${own}/`, 'Dir::Etc': `${own}/etc`, 'Dir::Etc::SourceList': `${own}/sources.list`, 'Dir::Etc::SourceParts': '-', 'Dir::State': `${own}/state`, 'Dir::State::status': `${own}/status`, 'Dir::Cache': `${own}/cache`, 'APT::Architecture': 'amd64', 'APT::Sandbox::User': 'root', 'APT::Update::Error-Mode': 'any' };
    const { status, stderr } = spawnSync('apt-get', [...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]), 'update'], { encoding: 'utf8' });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual(believed ? { status: 0, stderr: '' } : { status: 100, stderr: expect.stringContaining('NO_PUBKEY') });
  }, 60_000);
});

describeWith('rpmbuild', 'rpm', () => {
  it('takes the public keys that clients are given', async () => {
    const root = mkdtempSync(place('rpmdb-'));
    for (const { publicKey, name } of await keys.list()) {
      const file = place(`${name}.import.asc`);
      writeFileSync(file, publicKey);
      expect(spawnSync('rpmkeys', ['--root', root, '--import', file], { encoding: 'utf8' })).toMatchObject({ status: 0 });
    }
    expect(execFileSync('rpm', ['--root', root, '-q', 'gpg-pubkey'], { encoding: 'utf8' }).trim().split('\n')).toHaveLength(2);
  });
});
