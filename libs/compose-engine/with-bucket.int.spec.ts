import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { s3Credentials, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
import { composeRequest, scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';
import { filesBelow } from './__fixtures__/read-tree.js';
import { openBucketTrees } from './bucket-trees.js';
import type { ComposeEngine, GeneratedTree } from './compose-engine.js';
import { withBucket } from './with-bucket.js';

const before = { ...process.env };
const signal = new AbortController().signal;
let kitchen: Kitchen;
let scratch: ScratchEngine;
let server: S3Server;
let engine: ComposeEngine;

beforeAll(async () => {
  Object.assign(process.env, s3Credentials);
  kitchen = buildKitchen();
  scratch = await scratchEngine();
  kitchen.repository(path.join(scratch.sources, 'kitchen'));
  server = await startS3Server(path.join(scratch.settings.home, 's3'));
  server.makeBucket('farm');
  const composeBucket = `s3://farm/composes?endpoint=${server.endpoint}`;
  engine = withBucket(scratch.engine, openBucketTrees(composeBucket), { ...scratch.settings, composeBucket });
  await letEverybodyRead();
}, 60_000);

afterAll(async () => {
  await server.kill();
  kitchen[Symbol.dispose]();
  await scratch[Symbol.asyncDispose]();
  for (const name of Object.keys(s3Credentials)) if (before[name] === undefined) delete process.env[name];
});

async function letEverybodyRead(): Promise<void> {
  const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true });
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::farm/*' }] });
  await client.send(new PutBucketPolicyCommand({ Bucket: 'farm', Policy }));
  client.destroy();
}

async function generate(id: number, targetDir = 'default'): Promise<GeneratedTree> {
  const inputs = await engine.pin(composeRequest({ source: [path.join(scratch.sources, 'kitchen')], packages: ['kettle'], targetDir }), { signal });
  return engine.generate({ id, targetDir, inputs, startedAt: '2026-11-21T10:00:00.000Z' }, { signal });
}

/** The objects of a compose, as the server keeps them in files. */
function objects(id: number): string[] {
  const directory = path.join(server.directoryOf('farm'), 'composes', `odcs-${id}`);
  return existsSync(directory) ? filesBelow(directory) : [];
}

describe('an engine with a bucket', () => {
  it('publishes the same files there, and dnf installs straight from the bucket', async () => {
    await generate(1);
    expect(objects(1)).toEqual(filesBelow(scratch.path(1)));
    expect(readFileSync(scratch.path(1, 'pungi-stderr.log'), 'utf8')).toContain('objects in s3://farm/composes\n');
    const root = path.join(scratch.settings.home, 'root');
    mkdirSync(root);
    const url = `${server.endpoint}/farm/composes/odcs-1/compose/Temporary/x86_64/os`;
    execFileSync('dnf', ['-y', '-q', `--installroot=${root}`, '--releasever=1', '--forcearch=x86_64', '--setopt=reposdir=/nonexistent', `--repofrompath=bucket,${url}`, '--repo=bucket', '--nogpgcheck', 'install', 'kettle'], { stdio: 'pipe' });
    expect(execFileSync('rpm', [`--root=${root}`, '-q', 'kettle'], { encoding: 'utf8' })).toBe('kettle-1.0-1.x86_64\n');
  }, 60_000);

  it('leaves composes of places without a public URL where they are', async () => {
    await generate(2, 'private');
    expect(existsSync(path.join(scratch.settings.home, 'private/odcs-2/STATUS'))).toBe(true);
    expect(objects(2)).toEqual([]);
  });

  it('fails a compose that the bucket does not take, and leaves its log only; the next attempt succeeds', async () => {
    await server.kill();
    await expect(generate(3)).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect(readdirSync(scratch.path(3)).sort()).toEqual(['pungi-stderr.log', 'pungi-stdout.log']);
    expect(readFileSync(scratch.path(3, 'pungi-stderr.log'), 'utf8')).toContain('Compose not published: object storage did not take');
    await server.start();
    await generate(3);
    expect(objects(3)).toEqual(filesBelow(scratch.path(3)));
  }, 60_000);

  it('removes from both, and lists what either has', async () => {
    expect((await engine.list()).map(({ id }) => id).sort()).toEqual([1, 2, 3]);
    await scratch.engine.remove({ id: 3, targetDir: 'default' });
    expect((await engine.list()).map(({ id }) => id).sort()).toEqual([1, 2, 3]);
    await engine.remove({ id: 3, targetDir: 'default' });
    await engine.remove({ id: 1, targetDir: 'default' });
    expect([objects(3), objects(1)]).toEqual([[], []]);
    expect((await engine.list()).map(({ id }) => id)).toEqual([2]);
  });
});
