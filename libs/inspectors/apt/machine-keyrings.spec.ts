import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createSigningKey } from './__fixtures__/sample-repository.js';
import { readMachineKeyrings } from './machine-keyrings.js';

let root = '';
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'millrace-keyrings-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function put(file: string): Promise<string> {
  const key = await createSigningKey();
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), key.publicKey);
  return key.fingerprint;
}

it('are what the apt of the machine believes, and no other keys', async () => {
  const believed = [
    await put('etc/apt/trusted.gpg.d/a.asc'),
    await put('etc/apt/keyrings/b.asc'),
    await put('usr/share/keyrings/sample-archive-keyring.gpg'),
    await put('usr/share/keyrings/vendor.gpg'),
    await put('srv/own.pgp'),
    await put('srv/second.asc'),
  ];
  await put('usr/share/keyrings/developers.gpg');
  await put('usr/share/keyrings/sample-archive-removed-keys.gpg');
  await put('srv/commented.asc');
  await put('etc/apt/keyrings/readme.txt');
  writeFileSync(path.join(root, 'etc/apt/keyrings/broken.gpg'), 'no key');
  mkdirSync(path.join(root, 'etc/apt/sources.list.d'));
  writeFileSync(path.join(root, 'etc/apt/sources.list'), 'deb [arch=amd64 signed-by=/usr/share/keyrings/vendor.gpg] https://registry.example x main\n# deb [signed-by=/srv/commented.asc] https://registry.example y main\n');
  writeFileSync(path.join(root, 'etc/apt/sources.list.d/own.sources'), 'Types: deb\nSigned-By: /srv/own.pgp, /srv/second.asc\n');
  writeFileSync(path.join(root, 'etc/apt/sources.list.d/own.sources.disabled'), 'Signed-By: /srv/commented.asc\n');
  expect([...(await readMachineKeyrings(root)).fingerprints].sort()).toEqual(believed.toSorted());
  cpSync(path.join(root, 'srv/own.pgp'), path.join(root, 'etc/apt/trusted.gpg'));
  expect((await readMachineKeyrings(root)).fingerprints).toHaveLength(believed.length);
});

it('are none on a machine without apt', async () => {
  expect((await readMachineKeyrings(path.join(root, 'nowhere'))).fingerprints).toEqual([]);
});
