import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { s3Credentials, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
import { pungiSpecs, rawConfig, rawRequest } from './__fixtures__/pungi-kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

const directory = mkdtempSync(path.join(tmpdir(), 'millrace-upload-'));
const before = { ...process.env };
let server: S3Server;
let kitchen: Kitchen;
let scratch: ScratchEngine;
let source: string;

beforeAll(async () => {
  Object.assign(process.env, s3Credentials);
  server = await startS3Server(path.join(directory, 's3'));
  server.makeBucket('farm');
  kitchen = buildKitchen();
  scratch = await scratchEngine({ change: { composeBucket: `s3://farm/composes?endpoint=${server.endpoint}` } });
  source = kitchen.repository(path.join(scratch.sources, 'kitchen'));
}, 60_000);
afterAll(async () => {
  await scratch[Symbol.asyncDispose]();
  kitchen[Symbol.dispose]();
  await server.kill();
  for (const name of Object.keys(s3Credentials)) if (before[name] === undefined) delete process.env[name];
  rmSync(directory, { recursive: true, force: true });
});

const objects = (): string => path.join(server.directoryOf('farm'), 'composes');
const inBucket = (id: number): string[] => (readdirSync(objects()).includes(`odcs-${id}`) ? filesBelow(path.join(objects(), `odcs-${id}`)) : []);

async function letEverybodyRead(): Promise<void> {
  const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true });
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::farm/*' }] });
  await client.send(new PutBucketPolicyCommand({ Bucket: 'farm', Policy }));
  client.destroy();
}

const pungi = pungiSpecs();

describe('a bucket for composes', () => {
  it('gets the tree as it is in the directory, before that is visible', async () => {
    await scratch.compose(1, { source: [source], packages: ['kettle'] });
    expect(inBucket(1)).toEqual(filesBelow(scratch.path(1)));
    for (const file of inBucket(1).filter((name) => name.startsWith('compose/'))) expect([file, readFileSync(path.join(objects(), 'odcs-1', file)).equals(readFileSync(scratch.path(1, file)))]).toEqual([file, true]);
    expect(await scratch.engine.list()).toEqual([{ id: 1, targetDir: 'default' }]);
  });

  it('is a repository that dnf installs from', async () => {
    await letEverybodyRead();
    const root = path.join(directory, 'root');
    mkdirSync(root);
    const url = `${server.endpoint}/farm/composes/odcs-1/compose/Temporary/x86_64/os`;
    execFileSync('dnf', ['-y', '-q', '--disableplugin=*', `--installroot=${root}`, '--releasever=1', '--forcearch=x86_64', '--setopt=reposdir=/nonexistent', `--repofrompath=bucket,${url}`, '--repo=bucket', '--nogpgcheck', 'install', 'kettle'], { stdio: 'pipe' });
    expect(execFileSync('rpm', [`--root=${root}`, '-q', 'kettle'], { encoding: 'utf8' })).toBe('kettle-1.0-1.x86_64\n');
  }, 60_000);

  it('gets a tree of Pungi with our logs, whatever Pungi has called its own files', async () => {
    pungi.kitchen().commit('kitchen.conf', rawConfig('fake_hostile = "log"\n'));
    await using uploading = await pungi.kitchen().engine({ change: { composeBucket: `s3://farm/composes?endpoint=${server.endpoint}` } });
    await uploading.compose(6, rawRequest());
    expect(inBucket(6)).toEqual(filesBelow(uploading.path(6)));
    expect(readFileSync(path.join(objects(), 'odcs-6', 'pungi-stdout.log'), 'utf8')).toContain('fake pungi');
    await uploading.engine.remove({ id: 6, targetDir: 'default' });
  });

  it('that is away for a while fails one attempt, and not the next', async () => {
    await server.kill();
    expect((await failureOf(scratch.compose(5, { source: [source], packages: ['spoon'] }))).code).toBe('storage-unavailable');
    await server.start();
    await scratch.compose(5, { source: [source], packages: ['spoon'] });
    expect(inBucket(5)).toEqual(filesBelow(scratch.path(5)));
    await scratch.engine.remove({ id: 5, targetDir: 'default' });
  }, 60_000);

  it('gets nothing of private directories, nor of what fails', async () => {
    await scratch.compose(2, { source: [source], packages: ['spoon'], targetDir: 'private' }, { targetDir: 'private' });
    await failureOf(scratch.compose(3, { source: [source], packages: ['teapot'] }));
    expect([inBucket(2), inBucket(3)]).toEqual([[], []]);
    await scratch.engine.remove({ id: 2, targetDir: 'private' });
  });

  it('is emptied by removal, and listed when only it has a tree', async () => {
    rmSync(scratch.path(1), { recursive: true });
    expect(await scratch.engine.list()).toContainEqual({ id: 1, targetDir: 'default' });
    await scratch.engine.remove({ id: 1, targetDir: 'default' });
    expect(inBucket(1)).toEqual([]);
  });

  it('that cannot be reached fails the generation, which leaves nothing but its logs', async () => {
    await using other = await scratchEngine({ change: { composeBucket: 's3://farm/composes?endpoint=http://127.0.0.1:1', composeSourcePaths: [scratch.sources] } });
    expect((await failureOf(other.compose(4, { source: [source], packages: ['spoon'] }))).code).toBe('storage-unavailable');
    expect(filesBelow(other.path(4))).toEqual(['pungi-stderr.log', 'pungi-stdout.log']);
  });
});
