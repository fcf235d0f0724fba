import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActionResult } from '../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { pushToken, startCachedGateway } from './cached-gateway.js';
import type { CachedGateway } from './cached-gateway.js';

let service: CachedGateway;
beforeAll(async () => {
  service = await startCachedGateway();
}, 60_000);
afterAll(() => service?.close());

const authorization = `Bearer ${pushToken}`;
const hashOf = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const send = async (method: string, address: string, body?: Buffer | string | ReadableStream, header: Record<string, string> = { authorization }): Promise<{ readonly status: number; readonly bytes: Buffer; readonly headers: Headers }> => {
  const answer = await fetch(`${service.url}${address}`, { method, headers: header, ...(body === undefined ? {} : { body: body as string, duplex: 'half' }) });
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()), headers: answer.headers };
};
const put = (address: string, body: Buffer | string | ReadableStream): ReturnType<typeof send> => send('PUT', address, body);

describe('HTTP caches on the record and a store', () => {
  it.each([1, 4096, 4097, 3_000_000])('keep a blob of %d bytes, with and without Content-Length', async (size) => {
    const [one, two] = [randomBytes(size), randomBytes(size)];
    expect((await put(`/cas/${hashOf(one)}`, one)).status).toBe(201);
    expect((await put(`/cas/${hashOf(two)}`, new Blob([two]).stream())).status).toBe(201);
    expect((await put(`/cas/${hashOf(one)}`, one)).status).toBe(201);
    for (const bytes of [one, two]) {
      const found = await send('GET', `/cas/${hashOf(bytes)}`, undefined, {});
      expect([found.status, found.bytes.equals(bytes)]).toEqual([200, true]);
    }
    const first = await send('GET', `/cas/${hashOf(one)}`, undefined, { range: 'bytes=0-999999', 'if-range': `"${hashOf(one)}"` });
    expect([first.status, first.bytes.equals(one.subarray(0, 1_000_000))]).toEqual([206, true]);
  });

  it('have the empty blob without keeping it', async () => {
    expect([(await put(`/cas/${hashOf('')}`, '')).status, (await send('GET', `/cas/${hashOf('')}`, undefined, {})).status, (await put('/gradle/empty', '')).status, (await send('GET', '/gradle/empty')).bytes.length]).toEqual([201, 200, 201, 0]);
  });

  it('keep nothing of what is not what it says', async () => {
    const bytes = randomBytes(100_000);
    expect((await put(`/cas/${hashOf('other')}`, bytes)).status).toBe(422);
    expect((await send('GET', `/cas/${hashOf('other')}`)).status).toBe(404);
    expect((await put('/cache/small/gradle/aa', Buffer.alloc(1024 * 1024 + 1))).status).toBe(413);
    expect((await put('/cache/small/gradle/aa', new Blob([Buffer.alloc(1024 * 1024 + 1)]).stream())).status).toBe(413);
    expect((await send('GET', '/cache/small/gradle/aa')).status).toBe(404);
    expect(readdirSync(path.join(service.gateway.settings.home, 'http-cache-spool'))).toEqual([]);
  });

  it('never give out what the store has spoilt', async () => {
    const [small, large] = [randomBytes(10_000), randomBytes(1_000_000)];
    for (const bytes of [small, large]) {
      await put(`/cas/${hashOf(bytes)}`, bytes);
      const [object = ''] = readdirSync(path.join(service.home, 'artifact-cache'), { recursive: true, encoding: 'utf8' }).filter((name) => path.basename(name).startsWith(hashOf(bytes)));
      writeFileSync(path.join(service.home, 'artifact-cache', object), randomBytes(bytes.length));
    }
    expect((await send('GET', `/cas/${hashOf(small)}`)).status).toBe(404);
    await expect(send('GET', `/cas/${hashOf(large)}`)).rejects.toThrow();
    expect((await send('GET', `/cas/${hashOf(large)}`)).status).toBe(404);
    expect([(await put(`/cas/${hashOf(large)}`, large)).status, (await send('GET', `/cas/${hashOf(large)}`)).bytes.equals(large)]).toEqual([201, true]);
  });

  it('find the result of an action when all of its blobs are there, and not before', async () => {
    const [output, action] = [randomBytes(10_000), randomBytes(100)];
    const result = Buffer.from(ActionResult.encode(ActionResult.fromPartial({ outputFiles: [{ path: 'out', digest: { hash: hashOf(output), sizeBytes: output.length } }] })).finish());
    expect((await put(`/ac/${hashOf(action)}`, result)).status).toBe(201);
    expect((await send('GET', `/ac/${hashOf(action)}`)).status).toBe(404);
    await put(`/cas/${hashOf(output)}`, output);
    const found = await send('GET', `/ac/${hashOf(action)}`);
    expect([found.status, found.bytes.equals(result)]).toEqual([200, true]);
  });

  it('keep what is no result of an action under its hash, too', async () => {
    const value = Buffer.concat([Buffer.from('cC'), randomBytes(2_000_000)]);
    expect((await put(`/ac/${hashOf('ccache')}`, value)).status).toBe(201);
    expect((await send('GET', `/ac/${hashOf('ccache')}`)).bytes.equals(value)).toBe(true);
    expect([(await send('DELETE', `/ac/${hashOf('ccache')}`)).status, (await send('GET', `/ac/${hashOf('ccache')}`)).status]).toEqual([204, 404]);
  });

  it('have the newest of what is pushed under one key', async () => {
    for (const text of ['one', 'two']) await put('/ccache/key', text);
    expect((await send('GET', '/ccache/key')).bytes.toString()).toBe('two');
    const many = await Promise.all(Array.from({ length: 20 }, async (_, index) => put('/ccache/raced', `${index}`)));
    expect(many.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
    expect((await send('GET', '/ccache/raced')).bytes.toString()).toMatch(/^\d+$/);
  });

  it('are open to whom the settings say', async () => {
    const none = {};
    const wrong = { authorization: `Bearer ${'x'.repeat(40)}` };
    expect([(await send('PUT', '/ccache/no', 'x', none)).status, (await send('PUT', '/ccache/no', 'x', wrong)).status, (await send('GET', '/ccache/no', undefined, wrong)).status]).toEqual([401, 401, 401]);
    expect([(await send('GET', '/ccache/no', undefined, none)).status, (await send('GET', '/cache/team/one/ccache/no', undefined, none)).status, (await send('GET', '/cache/team/one/ccache/no')).status]).toEqual([404, 401, 404]);
    // More than a minute allows at once: what comes then waits for some seconds, and comes through.
    const many = await put('/cache/team/one/gradle/aa', Buffer.alloc(1_050_000));
    const more = await put('/cache/team/one/gradle/bb', Buffer.alloc(10_000));
    expect([many.status, more.status]).toEqual([201, 201]);
  });

  it('say when they are full', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 6; count += 1) statuses.push((await put(`/cache/small/gradle/full${count}`, randomBytes(1_000_000))).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([201, 507]);
  });
});
