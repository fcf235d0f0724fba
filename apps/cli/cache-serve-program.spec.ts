import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { tryLock } from '../../libs/embedded/exclusive-lock.js';
import { millrace } from './__fixtures__/recorded-terminal.js';

let directory: string;
beforeEach(() => void (directory = mkdtempSync(path.join(tmpdir(), 'millrace-serve-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const cli = (...parameters: readonly string[]) => millrace({ PATH: '' }, 'cache', ...parameters);

describe('millrace cache token', () => {
  it('prints a token, and the line with its digest alone', async () => {
    const { exitCode, stdout, stderr } = await cli('token', 'nightly');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^millrace-cache-[A-Za-z0-9_-]{43}\n$/);
    expect(stderr).toContain(`    nightly: { sha256: ${createHash('sha256').update(stdout.trim()).digest('hex')} }`);
    expect(stderr).not.toContain(stdout.trim());
    expect((await cli('token', 'nightly')).stdout).not.toBe(stdout);
    expect(JSON.parse((await cli('token', 'nightly', '--json')).stdout)).toEqual({ name: 'nightly', token: expect.any(String), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('takes no name that the file would not', async () => expect(await cli('token', 'Nightly Builds')).toMatchObject({ exitCode: 64, stdout: '' }));
});

describe('millrace cache serve', () => {
  it.each([
    ['half of a certificate', ['--tls-cert', 'cert.pem'], /--tls-cert and --tls-key belong together/],
    ['a certificate that is given and made', ['--tls-cert', 'c', '--tls-key', 'k', '--make-certificate'], /it is one or the other/],
    ['a certificate for what is no name', ['--make-certificate', 'a b'], /"a b" is no name of a host/],
    ['files that are not there', ['--tls-cert', 'none.pem', '--tls-key', 'none.pem'], /cannot read .*none\.pem/],
    ['tokens in the clear', ['--host', '0.0.0.0'], /without TLS, tokens would go to 0\.0\.0\.0 in the clear/],
    ['a port that is none', ['--port', '65536'], /It must be a port/],
    ['a quota that is none', ['--quota', '20 bytes'], /It must be a number of bytes such as 20 GiB/],
  ])('starts nothing with %s', async (_name, options, message) => {
    const { exitCode, stdout, stderr } = await cli('serve', directory, ...options);
    expect({ exitCode, stdout }).toEqual({ exitCode: expect.any(Number), stdout: '' });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(message);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('changes nothing in a directory that is served already', async () => {
    const lock = tryLock(path.join(directory, 'server.lock'));
    const before = readdirSync(directory).sort();
    const { exitCode, stderr } = await cli('serve', directory, '--make-certificate', 'other.example.test', '--quota', '1 GiB');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(`process ${process.pid} already runs a server in ${directory}`);
    expect(readdirSync(directory).sort()).toEqual(before);
    lock?.release();
  });
});
