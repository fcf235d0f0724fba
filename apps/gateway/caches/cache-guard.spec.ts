import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openAccess } from '../../../libs/cache-access/__fixtures__/opened-access.js';
import { makeCacheToken } from '../../../libs/cache-access/token-login.js';
import { MemoryCache } from '../__fixtures__/memory-cache.js';
import { named, namedCallers } from '../__fixtures__/named-callers.js';
import { startTestGateway, type TestGateway } from '../__fixtures__/test-gateway.js';

const { token, sha256 } = makeCacheToken();
const file = `
login: { tokens: { keeper: { sha256: ${sha256} } } }
instances:
  main: {}
  team/one: { admin: [{ users: [alice] }, { tokens: [keeper] }] }
  closed: { push: [{ users: [bob] }] }
`;
const accessFile = namedCallers('authorization: { roles: { cache: { reader: { users: [rita] }, admin: { users: [dora] } } } }');
const content = Buffer.from('hello');
const hash = createHash('sha256').update(content).digest('hex');
let gateway: TestGateway;
let cache: MemoryCache;

beforeAll(async () => {
  cache = new MemoryCache();
  const { access } = await openAccess(file, { authenticator: accessFile.authenticator, access: accessFile.settings });
  gateway = await startTestGateway({ dependencies: { access: accessFile, caches: { ...cache.dependencies(), access } } });
});
afterAll(() => gateway.close());

type Headers = Readonly<Record<string, string>>;
const keeper = { authorization: `Bearer ${token}` };

async function ask(method: string, path: string, headers: Headers): Promise<Response> {
  return fetch(`${gateway.url}/v1/caches${path}`, { method, headers, ...(method === 'PUT' ? { body: content } : {}) });
}

async function codes(headers: Headers, instance: string): Promise<readonly number[]> {
  const routes = [['GET', ''], ['GET', '/entries'], ['PUT', `/blobs/sha256:${hash}`], ['POST', '/evict'], ['POST', '/pause']] as const;
  const answers: number[] = [];
  for (const [method, path] of routes) answers.push((await ask(method, `/${encodeURIComponent(instance)}${path}`, headers)).status);
  return answers;
}

const all = [200, 200, 201, 200, 204];
const none = [403, 403, 403, 403, 403];

describe('an administrator of one instance', () => {
  it.each([
    ['who is a user', named({ name: 'alice' }), 'alice'],
    ['who is known to the cache alone', keeper, 'token:keeper'],
  ])('%s does all there, and nothing elsewhere', async (_name, headers, by) => {
    expect(await codes(headers, 'team/one')).toEqual(all);
    expect(cache.calls.at(-1)).toEqual({ method: 'pause', options: { instance: 'team/one', by } });
    for (const instance of ['main', 'closed', 'elsewhere']) expect([instance, await codes(headers, instance)]).toEqual([instance, none]);
  });

  it('sees the instance in the list, and no other', async () => {
    const seen = async (headers: Headers): Promise<unknown> => {
      const answer = await ask('GET', '', headers);
      return answer.status === 200 ? ((await answer.json()) as { readonly items: readonly { readonly name: string }[] }).items.map(({ name }) => name) : answer.status;
    };
    expect([await seen(keeper), await seen(named({ name: 'dora' })), await seen(named({ name: 'bob' })), await seen({})]).toEqual([['team/one'], ['main', 'team/one', 'closed'], 403, 401]);
  });
});

describe('others', () => {
  it('have their roles of the access file in every instance, and no more by pushing or pulling there', async () => {
    expect(await codes(named({ name: 'dora' }), 'main')).toEqual(all);
    expect(await codes(named({ name: 'rita' }), 'team/one')).toEqual([200, 200, 403, 403, 403]);
    expect(await codes(named({ name: 'bob' }), 'closed')).toEqual(none);
    expect(await codes({}, 'main')).toEqual([401, 401, 401, 401, 401]);
    expect(await codes({ authorization: `Bearer ${makeCacheToken().token}` }, 'team/one')).toEqual([401, 401, 401, 401, 401]);
  });

  it('who run pages of other sites change nothing by an administrator', async () => {
    expect((await ask('POST', '/team%2Fone/evict', { ...keeper, origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  });
});
