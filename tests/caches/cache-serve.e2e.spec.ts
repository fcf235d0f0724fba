import { ChannelCredentials, Metadata } from '@grpc/grpc-js';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, request } from 'undici';
import { ask, connectClients, nobody, sha256 } from '../../apps/cache/__fixtures__/test-clients.js';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { alive, awaitResult, processesOf, runProgram, type RunningProgram } from '../server/run-program.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'cache-serve-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const content = Buffer.from('an artifact of a small site');

describe('millrace cache serve', () => {
  it('serves builders over TLS from one directory: everybody pulls, the token pushes, and nothing is left of it at Ctrl-C', async () => {
    const program = serve();
    const lines = await awaitResult(program, () => (program.output().stdout.includes('may push.') ? program.output().stdout : undefined));
    const address = /--remote_cache=grpcs:\/\/(\S+)/.exec(lines)?.[1]?.replace('cache.example.test', 'localhost') ?? '';
    const http = /over HTTP .*: (https:\S+);/.exec(lines)?.[1]?.replace('cache.example.test', 'localhost') ?? '';
    const [authority, token] = ['ca.pem', 'push-token'].map((name) => readFileSync(path.join(directory, name), 'utf8'));
    expect(lines).toContain(`server-cert: ${path.join(directory, 'ca.pem')}`);
    for (const text of [lines, program.output().stderr]) expect(text).not.toContain(token);
    expect(processesOf(directory).map(({ name }) => name).sort()).toEqual(['cache', 'gateway', 'postgres', 'temporal', 'worker']);

    const trusting = ChannelCredentials.createSsl(Buffer.from(authority ?? ''));
    const clients = connectClients(address, trusting);
    const strangers = connectClients(address, ChannelCredentials.createSsl());
    try {
      const push = { instanceName: '', digestFunction: 0, requests: [{ digest: sha256(content), data: content, compressor: 0 }] };
      await expect(ask((done) => strangers.capabilities.getCapabilities({ instanceName: '' }, nobody(), { deadline: Date.now() + 5000 }, done))).rejects.toThrow(/certificate|UNAVAILABLE/);
      await expect(ask((done) => clients.storage.batchUpdateBlobs(push, nobody(), done))).rejects.toMatchObject({ code: 16 });
      await expect(ask((done) => clients.storage.batchUpdateBlobs(push, bearer(`${token}x`), done))).rejects.toMatchObject({ code: 16 });
      const pushed = await ask<{ readonly responses: readonly { readonly status: { readonly code: number } | undefined }[] }>((done) => clients.storage.batchUpdateBlobs(push, bearer(token ?? ''), done));
      expect(pushed.responses.map(({ status }) => status?.code ?? 0)).toEqual([0]);
      const { missingBlobDigests } = await ask<{ readonly missingBlobDigests: readonly unknown[] }>((done) => clients.storage.findMissingBlobs({ instanceName: '', digestFunction: 0, blobDigests: [sha256(content)] }, nobody(), done));
      expect(missingBlobDigests).toEqual([]);
      expect(await overHttp(`${http}/cas/${sha256(content).hash}`, authority ?? '')).toEqual({ status: 200, body: content.toString() });
    } finally {
      clients.close();
      strangers.close();
    }

    const processes = processesOf(directory);
    process.kill(-(program.child.pid ?? 0), 'SIGINT');
    expect(await program.ended).toBe(0);
    expect(alive(processes)).toEqual([]);
    expect(existsSync(path.join(directory, 'addresses.json'))).toBe(false);
  }, 120_000);
});

function serve(): RunningProgram {
  const options = ['--port', '0', '--http-port', '0', '--make-certificate', 'cache.example.test', '--quota', '1 GiB'];
  return runProgram(path.join(projectRoot(), 'bin/millrace'), ['cache', 'serve', directory, ...options], { environment: process.env, cwd: os.tmpdir() });
}

function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

async function overHttp(url: string, ca: string): Promise<{ readonly status: number; readonly body: string }> {
  const dispatcher = new Agent({ connect: { ca } });
  try {
    const { statusCode, body } = await request(url, { dispatcher });
    return { status: statusCode, body: await body.text() };
  } finally {
    await dispatcher.close();
  }
}
