import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { s3Credentials, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
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

describe('a bucket for composes', () => {
  it('gets the tree as it is in the directory, before that is visible', async () => {
    await scratch.compose(1, { source: [source], packages: ['kettle'] });
    expect(inBucket(1)).toEqual(filesBelow(scratch.path(1)));
    for (const file of inBucket(1).filter((name) => name.startsWith('compose/'))) expect([file, readFileSync(path.join(objects(), 'odcs-1', file)).equals(readFileSync(scratch.path(1, file)))]).toEqual([file, true]);
    expect(await scratch.engine.list()).toEqual([{ id: 1, targetDir: 'default' }]);
  });

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
