import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startTestGateway } from '../../apps/gateway/__fixtures__/test-gateway.js';
import type { TestGateway } from '../../apps/gateway/__fixtures__/test-gateway.js';
import type { CacheDependencies } from '../../apps/gateway/caches/cache-ports.js';
import { openGatewayDependencies } from '../../apps/gateway/gateway-dependencies.js';
import { readSettings, type Settings } from '../../libs/settings/settings.js';
import { createTestDatabase } from '../../libs/testing/test-database.js';

export interface CachedGateway {
  readonly url: string;
  readonly gateway: TestGateway;
  readonly caches: CacheDependencies;
  /** Where its store and settings are. */
  readonly home: string;
  readonly settings: Settings;
  close(): Promise<void>;
}

/** A bearer token that may push everywhere. */
export const pushToken = 'a-token-of-more-than-twenty-characters';

const settingsFile = `
login:
  tokens:
    builder: {sha256: ${createHash('sha256').update(pushToken).digest('hex')}}
instances:
  main:
    access: {push: [{tokens: [builder]}]}
  team/one:
    ostree: true
    access: {pull: known, push: [{tokens: [builder]}], rates: {pushed-bytes-per-minute: 1000000}}
  artifacts:
    ostree: {url: "http://cache.example/ostree/artifacts"}
    access: {push: [{tokens: [builder]}]}
  small:
    blob-bytes: 1 MiB
    quota: 4 MiB
    access: {push: [{tokens: [builder]}]}
`;

/** The gateway with the artifact cache as it is in production: PostgreSQL, a directory, the cache's own rules. Nothing answers for its workflow. */
export async function startCachedGateway(): Promise<CachedGateway> {
  const database = await createTestDatabase();
  const home = mkdtempSync(path.join(tmpdir(), 'millrace-cached-'));
  const file = path.join(home, 'cache.yaml');
  writeFileSync(file, settingsFile);
  const settings = readSettings({ MILLRACE_HOME: home, MILLRACE_DATABASE_URL: database.url, MILLRACE_TEMPORAL_ADDRESS: '127.0.0.1:1', MILLRACE_CONTROL_AUTH: 'craft:craft', MILLRACE_CACHE: file });
  const dependencies = await openGatewayDependencies(settings);
  const gateway = await startTestGateway({ dependencies: { access: dependencies.access, caches: dependencies.caches } });
  return {
    url: gateway.url,
    gateway,
    caches: dependencies.caches,
    home,
    settings,
    async close() {
      await gateway.close();
      await dependencies.close();
      await database.drop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
