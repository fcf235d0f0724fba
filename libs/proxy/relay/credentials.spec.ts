import { afterEach, describe, expect, it } from '@jest/globals';
import { basicField, startHarness, startOrigin, talk } from './__fixtures__/relay-harness.js';
import type { SessionSecret } from '../../session/session-secrets.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function withSecrets(secrets: (port: number) => readonly SessionSecret[]) {
  const origin = await startOrigin((_request, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  const proxy = await startHarness({ secrets: secrets(origin.port) });
  closers.push(() => proxy.close(), () => origin.close());
  const send = (method: string, path: string, body = '', ...fields: string[]) =>
    talk(proxy.port, [`${method} http://127.0.0.1:${origin.port}${path} HTTP/1.1`, 'Host: h', basicField, 'Connection: close', `Content-Length: ${body.length}`, ...fields, '', body].join('\r\n'));
  return { origin, proxy, send };
}

describe('credentials of a session', () => {
  it('go into matching requests in place of the build\'s own, and never into the record', async () => {
    const { origin, proxy, send } = await withSecrets((port) => [{ type: 'basic-auth', url: `http://127.0.0.1:${port}/private/**`, credentials: 'robot:s3cret-word' }]);
    await send('GET', '/private/a/b', '', 'Authorization: Bearer of-the-build');
    await send('GET', '/public', '', 'Authorization: Bearer of-the-build');
    const expected = Buffer.from('robot:s3cret-word').toString('base64');
    expect(origin.requests[0]).toContain(`Authorization: Basic ${expected}\r\n`);
    expect(origin.requests[0]).not.toContain('of-the-build');
    expect(origin.requests[1]).toContain('Authorization: Bearer of-the-build');
    expect(origin.requests[1]).not.toContain(expected);
    const record = JSON.stringify(proxy.events);
    expect(record).not.toContain(expected);
    expect(record).not.toContain('s3cret-word');
    expect(record).not.toContain('of-the-build');
  });

  it('are written into a keystone request, with its new length', async () => {
    const { origin, proxy, send } = await withSecrets((port) => [{ type: 'keystone-v3', url: `http://127.0.0.1:${port}/**`, credentials: 'robot:s3cret-word' }]);
    const body = JSON.stringify({ auth: { identity: { methods: ['password'], password: { user: { name: 'x', domain: { id: 'default' }, password: 'x' } } } } });
    expect(await send('POST', '/v3/auth/tokens', body)).toContain('ok');
    const [head, sent] = (origin.requests[0] ?? '').split('\r\n\r\n') as [string, string];
    expect(JSON.parse(sent)).toMatchObject({ auth: { identity: { password: { user: { name: 'robot', password: 's3cret-word' } } } } });
    expect(head).toContain(`Content-Length: ${sent.length}`);
    expect(proxy.events).toMatchObject([{ data: { request: { requestBody: { size: body.length } } } }]);
    expect(JSON.stringify(proxy.events)).not.toContain('s3cret-word');
  });

  it('for keystone refuse a body that is too large with 413 and one that is no such request with a reason', async () => {
    const { origin, proxy, send } = await withSecrets((port) => [{ type: 'keystone-v3', url: `http://127.0.0.1:${port}/**`, credentials: 'robot:s3cret-word' }]);
    expect(await send('POST', '/v3/auth/tokens', 'x'.repeat(1024 * 1024 + 1))).toMatch(/^HTTP\/1\.1 413 /);
    expect(await send('POST', '/v3/auth/tokens', 'not json')).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(origin.requests).toEqual([]);
    expect(proxy.events.map((event) => event.type)).toEqual(['RequestRefused', 'RequestRefused']);
  });
});
