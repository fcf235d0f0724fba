import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { makeCacheToken } from '../cache-access/token-login.js';
import type { CacheAccess } from '../cache-access/cache-access.js';
import { openDatabase, type Database } from '../database/open-database.js';
import { readSettings } from '../settings/settings.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { readCacheSettings } from './cache-settings.js';
import { openServiceAccess } from './open-service-access.js';

const { token, sha256 } = makeCacheToken();
const folder = mkdtempSync(path.join(tmpdir(), 'service-access-'));
const [cacheFile, accessFile] = [path.join(folder, 'cache.yaml'), path.join(folder, 'access.yaml')];
const problems: string[] = [];
const shown = { authorization: `Bearer ${token}`, certificate: undefined, peerAddress: '192.0.2.7' };
const user = { authorization: undefined, certificate: undefined, peerAddress: '192.0.2.9', headers: { 'x-user': 'carol' } };
const file = (tokens: string): string => `login: { tokens: { ${tokens} } }\ninstances: { main: {} }\n`;
const roles = (writer: string): string => `authentication: { front-end: { addresses: [192.0.2.9], user-header: x-user } }\nauthorization: { roles: { cache: { writer: { users: [${writer}] } } } }\n`;
let own: TestDatabase;
let database: Database;
let access: CacheAccess;

beforeAll(async () => {
  writeFileSync(cacheFile, file(`builder: { sha256: ${sha256} }`));
  writeFileSync(accessFile, roles('carol'));
  own = await createTestDatabase();
  database = await openDatabase(own.url);
  const settings = readSettings({ MILLRACE_HOME: folder, MILLRACE_CACHE: cacheFile, MILLRACE_ACCESS: accessFile, MILLRACE_CONTROL_AUTH: 'craft:secret' });
  access = await openServiceAccess({ settings, cacheSettings: await readCacheSettings(settings), database, record: { recordTaking: () => Promise.resolve() }, environment: {}, version: '0', onProblem: (reason) => void problems.push(reason), every: 20 });
});
afterAll(async () => {
  await access.close();
  await database.close();
  await own.drop();
  rmSync(folder, { recursive: true, force: true });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

it('a token that is taken out of the file lets nobody in soon after, nor a user whose role is gone, and a file that is no good changes nothing', async () => {
  const [builder, carol] = [await access.identify(shown), await access.identify(user)];
  access.demand(carol, 'push', 'main');
  writeFileSync(cacheFile, 'login: { tokens: [');
  await until(() => Promise.resolve(problems.length > 0));
  expect(problems[0]).toMatch(/those of before stay: .*cache\.yaml/);
  await access.recheck(builder, shown);
  writeFileSync(cacheFile, file(''));
  await until(() => access.identify(shown).then(() => false, () => true));
  await expect(access.recheck(builder, shown)).rejects.toMatchObject({ code: 'unauthorized' });
  await access.recheck(carol, user);
  writeFileSync(accessFile, roles('somebody-else'));
  await until(() => access.recheck(carol, user).then(() => false, () => true));
  await expect(access.recheck(carol, user)).rejects.toMatchObject({ code: 'forbidden' });
  writeFileSync(cacheFile, file(`builder: { sha256: ${sha256} }`));
  // The address was wrong too often by then, and a token of the file is let in all the same.
  await until(() => access.identify(shown).then(() => true, () => false));
});
