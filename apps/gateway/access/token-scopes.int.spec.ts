import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openidClient, startOpenidProvider, type TestOpenidProvider } from '../../../libs/testing/start-openid-provider.js';
import { startTestGateway, type TestGateway } from '../__fixtures__/test-gateway.js';

describe('a token of an OpenID provider', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-scopes-'));
  let provider: TestOpenidProvider;
  let gateway: TestGateway;

  beforeAll(async () => {
    provider = await startOpenidProvider();
    const file = path.join(folder, 'access.yaml');
    writeFileSync(
      file,
      `authentication: {openid-connect: {issuer: "${provider.issuer}", audience: [millrace], name-claims: [client_id]}}\nauthorization: {composes: {allowed_clients: {users: {${openidClient.id}: }}, scope_base: "odcs:"}, roles: {sessions: {writer: {users: [${openidClient.id}]}}}}\n`,
    );
    gateway = await startTestGateway({ environment: { MILLRACE_ACCESS: file } });
  });
  afterAll(async () => {
    await gateway.close();
    await provider[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(method: string, place: string, token: string): Promise<readonly [number, unknown]> {
    const answer = await fetch(`${gateway.url}${place}`, { method, headers: { authorization: `Bearer ${token}` }, ...(method === 'GET' ? {} : { body: '{"source": {"type": "tag", "source": "f44"}}' }) });
    const json = (await answer.json()) as { message?: string; owner?: string };
    return [answer.status, json.message ?? json.owner];
  }

  it('may do what it was given for, in the name of its client', async () => {
    const token = await provider.token({ scope: 'odcs:new-compose' });
    expect(await ask('POST', '/api/1/composes/', token)).toEqual([200, openidClient.id]);
    expect(await ask('PATCH', '/api/1/composes/1', token)).toEqual([403, 'Request does not have required scope renew-compose']);
    expect(await ask('DELETE', '/api/1/composes/1', token)).toEqual([403, 'Request does not have required scope delete-compose']);
  });

  it('that was given for something else asks for no compose, and serves where no scope is asked for', async () => {
    const token = await provider.token({ scope: 'new-compose' });
    expect(await ask('POST', '/api/1/composes/', token)).toEqual([403, 'Request does not have required scope new-compose']);
    const who = (await (await fetch(`${gateway.url}/v1/access`, { headers: { authorization: `Bearer ${token}` } })).json()) as object;
    expect(who).toMatchObject({ name: openidClient.id, by: 'bearer', scopes: ['new-compose'], roles: { sessions: ['reader', 'writer'], composes: ['reader', 'writer'] } });
    expect((await fetch(`${gateway.url}/session`, { method: 'POST', body: '{}', headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
    expect([...gateway.record.held.values()].map(({ session }) => session.owner)).toEqual([openidClient.id]);
  });

  it('that is forged is refused before anything is looked at, and its bytes stay out of the log', async () => {
    const token = await provider.token({ scope: 'odcs:new-compose' });
    const forged = `${token.slice(0, -8)}AAAAAAAA`;
    expect(await ask('POST', '/api/1/composes/', forged)).toEqual([401, expect.stringContaining('wrong or expired')]);
    expect(gateway.log()).toContain('login failed');
    expect(gateway.log()).not.toContain(forged.slice(0, 40));
  });
});
