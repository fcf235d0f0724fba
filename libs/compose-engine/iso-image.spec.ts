import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { failureOf } from './__fixtures__/read-tree.js';
import { findTool, writeIsoImage } from './iso-image.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'millrace-iso-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const tool = findTool('xorriso', process.env['PATH']) ?? 'xorriso is not installed';
const longName = `${'a-name-longer-than-joliet-likes-'.repeat(5)}1-1.noarch.rpm`;

/** Equal contents; order and times differ. */
function makeTree(name: string, order: (names: string[]) => string[]): string {
  const directory = path.join(scratch, name);
  const names = Array.from({ length: 40 }, (_, index) => `Packages/${'abcd'[index % 4]}/p${index}-1-1.noarch.rpm`);
  for (const [index, file] of order([...names, `Packages/a/${longName}`, 'repodata/repomd.xml']).entries()) {
    mkdirSync(path.join(directory, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(directory, file), file.repeat(100));
    utimesSync(path.join(directory, file), index, index * 1000);
  }
  return directory;
}

const write = (directory: string, file: string, change: Partial<Parameters<typeof writeIsoImage>[0]> = {}) =>
  writeIsoImage({ tool, directory, file, volumeId: 'odcs-1-1-Temporary.x86_64', time: 1_700_000_000, signal: new AbortController().signal, onChild: () => undefined, onBytes: () => undefined, ...change });

describe('an image', () => {
  it('is read by xorriso with all names, and has the digest that is told', async () => {
    const directory = makeTree('read', (names) => names);
    const file = path.join(scratch, 'read.iso');
    let bytes = 0;
    const { size, sha256 } = await write(directory, file, { onBytes: (now) => (bytes = now) });
    expect([statSync(file).size, bytes]).toEqual([size, size]);
    expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(sha256);
    const options = ['-abort_on', 'FAILURE', '-indev', file];
    expect(execFileSync('xorriso', [...options, '-pvd_info'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })).toMatch(/Volume Id *: *odcs-1-1-Temporary\.x86_64/);
    const found = execFileSync('xorriso', [...options, '-find', '/', '-type', 'f'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    expect(found).toContain(`'/Packages/a/${longName}'`);
    const out = path.join(scratch, 'out');
    execFileSync('xorriso', ['-osirrox', 'on', ...options, '-extract', '/', out], { stdio: 'ignore' });
    expect(readFileSync(path.join(out, 'Packages/b/p1-1-1.noarch.rpm'))).toEqual(readFileSync(path.join(directory, 'Packages/b/p1-1-1.noarch.rpm')));
    execFileSync('chmod', ['-R', 'u+w', out]);
  });

  it('is the same in every byte for equal trees', async () => {
    const one = await write(makeTree('one', (names) => names), path.join(scratch, 'one.iso'));
    const other = await write(makeTree('other', (names) => names.reverse()), path.join(scratch, 'other.iso'));
    expect(other).toEqual(one);
  });

  it('that cannot be made says what the tool said', async () => {
    const error = await failureOf(write(path.join(scratch, 'not there'), path.join(scratch, 'none.iso')));
    expect(error).toMatchObject({ code: 'internal', message: expect.stringMatching(/xorriso could not make the image: it ended with \d+: .*not there/) });
    expect(await failureOf(write(scratch, path.join(scratch, 'gone.iso'), { tool: '/nowhere/xorriso' }))).toMatchObject({ message: expect.stringContaining('ENOENT') });
  });

  it('ends its tool when it is stopped', async () => {
    const slow = path.join(scratch, 'slow-tool');
    writeFileSync(slow, '#!/bin/sh\necho started\nexec sleep 1000\n');
    chmodSync(slow, 0o755);
    const stop = new AbortController();
    let pid: number | undefined;
    const outcome = failureOf(write(scratch, path.join(scratch, 'slow.iso'), { tool: slow, signal: stop.signal, onChild: (child) => (pid = child.pid), onBytes: () => stop.abort(new Error('enough')) }));
    expect((await outcome).message).toContain('enough');
    expect(existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '').toBe('');
  });
});
