import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CreateBucketCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { buildPackages, createSigningKey, type SigningKey } from '../../compose-engine/__fixtures__/rpm-packages.js';
import { runDnf } from '../../compose-engine/__fixtures__/run-dnf.js';
import { openSigningKeys } from '../../signing/open-signing-keys.js';
import type { SigningKeys } from '../../signing/signer.js';
import { s3Credentials, startS3Server, type S3Server } from '../../testing/start-s3-server.js';
import type { WrittenIndex } from '../package-format.js';
import { createJob, createKnownPackages, settingsWith, type KnownPackages } from './__fixtures__/index-job.js';
import { publishIndex } from './__fixtures__/publish-index.js';
import { rpmFormat } from './rpm-format.js';

let root = '';
let packageKey: SigningKey;
let keys: SigningKeys;
let server: S3Server;
let first: Published;
let second: Published;

/** A state and all packages of it. */
interface Published {
  readonly index: WrittenIndex;
  readonly files: readonly { readonly path: string; readonly content: Buffer }[];
}

const settings = (): ReturnType<typeof settingsWith> => settingsWith({ compression: 'zstd', packageKeys: [packageKey.keyId], packagePublicKeys: packageKey.publicKey }, ['default']);

beforeAll(async () => {
  root = mkdtempSync(path.join(os.tmpdir(), 'millrace-dnf-'));
  packageKey = createSigningKey();
  keys = await openSigningKeys({ home: path.join(root, 'home'), repositoryKeysFile: undefined }, {});
  const built = path.join(root, 'built');
  buildPackages(built, [
    { name: 'hello', requires: ['lib++hello >= 1.0'] },
    { name: 'hello', version: '2.0', requires: ['lib++hello >= 1.0'], text: 'hello again' },
    { name: 'lib++hello' },
  ]);
  const names = readdirSync(built).filter((name) => name.endsWith('x86_64.rpm'));
  packageKey.sign(...names.map((name) => path.join(built, name)));
  const known = createKnownPackages(settings());
  const add = (wanted: (name: string) => boolean): Promise<Published> => publish(known, names.filter(wanted).map((name) => readFileSync(path.join(built, name))));
  // Before the key of the service was made: the first state of a new service.
  first = await add((name) => !name.includes('2.0'));
  const more = await add((name) => name.includes('2.0'));
  second = { index: more.index, files: [...first.files, ...more.files] };
  server = await startS3Server(path.join(root, 's3'));
}, 60_000);

afterAll(async () => {
  await server.kill();
  await keys.close();
  packageKey[Symbol.dispose]();
  rmSync(root, { recursive: true, force: true });
});

let at = Date.now() - 10_000;

async function publish(known: KnownPackages, contents: readonly Buffer[]): Promise<Published> {
  const files = [];
  for (const content of contents) files.push({ path: (await known.add(content)).path, content });
  at += 1000;
  return { index: await rpmFormat.writeIndex(createJob({ root, known, settings: settings(), keys, at: new Date(at).toISOString() })), files };
}

let own = '';
beforeEach(() => {
  own = mkdtempSync(path.join(root, 'client-'));
});

/** The file of the repository, as an operator gives it to clients. */
function repoFile(base: string): string {
  const file = path.join(own, 'millrace.repo');
  const key = path.join(own, 'packages.asc');
  writeFileSync(key, packageKey.publicKey);
  writeFileSync(file, `[millrace]\nname=Millrace\nbaseurl=${base}\nenabled=1\nrepo_gpgcheck=1\ngpgcheck=1\nmetadata_expire=0\ngpgkey=${base}/repodata/repomd.xml.key file://${key}\n`);
  return file;
}

function putIntoDirectory(directory: string, { index, files }: Published, until?: number): void {
  for (const { path: file, content } of files) {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    writeFileSync(path.join(directory, file), content);
  }
  publishIndex(directory, index, until);
}

const installed = (file: string): string => readFileSync(path.join(own, 'root/usr/share/millrace', file), 'utf8').trim();

describe('dnf, with signatures of the repository and of packages checked', () => {
  it('installs from a directory, and takes what a later state brings', async () => {
    const directory = path.join(own, 'repository');
    putIntoDirectory(directory, first);
    const repository = repoFile(`file://${directory}`);
    expect(await runDnf(own, repository, 'install', 'hello')).toMatchObject({ status: 0 });
    expect([installed('hello.txt'), installed('lib++hello.txt')]).toEqual(['hello', 'hello']);
    putIntoDirectory(directory, second);
    expect(await runDnf(own, repository, '--refresh', 'upgrade')).toMatchObject({ status: 0 });
    expect(installed('hello.txt')).toBe('hello again');
  });

  it('refuses a repomd.xml between whose writing and that of its signature it comes, and takes neither state for the other', async () => {
    const directory = path.join(own, 'repository');
    putIntoDirectory(directory, first);
    // The keys and repomd.xml, not its signature yet.
    putIntoDirectory(directory, second, 2);
    const between = await runDnf(own, repoFile(`file://${directory}`), 'install', 'hello');
    expect(between.status).not.toBe(0);
    expect(between.output).toContain('repomd.xml');
    expect(existsSync(path.join(own, 'root/usr/share/millrace/hello.txt'))).toBe(false);
    putIntoDirectory(directory, second);
    expect(await runDnf(own, repoFile(`file://${directory}`), 'install', 'hello')).toMatchObject({ status: 0 });
    expect(installed('hello.txt')).toBe('hello again');
  });

  it('installs straight from a bucket that everyone may read, names with a plus among them', async () => {
    const base = `${server.endpoint}/packages/some/folder`;
    await putIntoBucket('packages', 'some/folder', first);
    const repository = repoFile(base);
    expect(await runDnf(own, repository, 'install', 'hello')).toMatchObject({ status: 0 });
    expect([installed('hello.txt'), installed('lib++hello.txt')]).toEqual(['hello', 'hello']);
    await putIntoBucket('packages', 'some/folder', second);
    expect(await runDnf(own, repository, '--refresh', 'upgrade')).toMatchObject({ status: 0 });
    expect(installed('hello.txt')).toBe('hello again');
  });

  it('takes no package that another key has signed, though the repository lists it', async () => {
    const directory = path.join(own, 'repository');
    putIntoDirectory(directory, first);
    const repository = repoFile(`file://${directory}`);
    writeFileSync(repository, readFileSync(repository, 'utf8').replace(/ file:\S*packages\.asc/, ''));
    const refused = await runDnf(own, repository, 'install', 'hello');
    expect(refused.status).not.toBe(0);
    expect(refused.output).toMatch(/public key|GPG/i);
  });
});

async function putIntoBucket(bucket: string, folder: string, { index, files }: Published): Promise<void> {
  const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: s3Credentials.AWS_ACCESS_KEY_ID, secretAccessKey: s3Credentials.AWS_SECRET_ACCESS_KEY } });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
      if ((error as Error).name !== 'BucketAlreadyOwnedByYou') throw error;
    });
    const everyone = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` }] };
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(everyone) }));
    for (const { path: file, content } of [...files, ...index.immutable, ...index.switched]) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: `${folder}/${file}`, Body: Buffer.isBuffer(content) ? content : readFileSync(content.file) }));
    }
  } finally {
    client.destroy();
  }
}
