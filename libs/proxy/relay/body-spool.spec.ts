import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BodySpool } from './body-spool.js';

describe('BodySpool', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'millrace-spool-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('keeps a small body in memory, a large one in a file, and leaves nothing behind', async () => {
    const small = new BodySpool(directory, 'small');
    small.write(Buffer.from('hello '));
    small.write(Buffer.from('world'));
    expect(await small.finish()).toEqual({ bytes: Buffer.from('hello world'), file: undefined });

    const large = new BodySpool(directory, 'large');
    for (let index = 0; index < 10; index += 1) if (!large.write(Buffer.alloc(100_000, index))) await large.drained();
    expect(await large.finish()).toEqual({ bytes: undefined, file: path.join(directory, 'large') });
    const pieces: Buffer[] = [];
    for await (const piece of large.read()) pieces.push(piece as Buffer);
    expect(Buffer.concat(pieces).length).toBe(1_000_000);
    await Promise.all([small.discard(), large.discard()]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('stops before the disk is full', async () => {
    const spool = new BodySpool(directory, 'endless', Number.MAX_SAFE_INTEGER);
    spool.write(Buffer.alloc(300_000));
    await expect(spool.finish()).rejects.toThrow('nearly full');
    await spool.discard();
    expect(await readdir(directory)).toEqual([]);
  });
});
