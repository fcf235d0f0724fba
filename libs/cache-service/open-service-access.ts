import { accessSettingsFile } from '../access/access-settings.js';
import type { Authenticator } from '../access/authenticator.js';
import type { CacheAccess } from '../cache-access/cache-access.js';
import type { TriedCacheLogin } from '../cache-access/cache-access-options.js';
import { openCacheAccess } from '../cache-access/open-cache-access.js';
import { createSessionTakings } from '../cache-access/session-takings.js';
import type { CacheRecord } from '../cache-record/cache-record.js';
import type { Database } from '../database/open-database.js';
import { errorMessage } from '../errors/error-message.js';
import { createSessionTokens } from '../session-record/session-tokens.js';
import { readSettingsFile } from '../settings-file/read-settings-file.js';
import type { Environment, Settings } from '../settings/settings.js';
import type { CacheSettings } from './cache-settings.js';

export interface ServiceAccessOptions {
  readonly settings: Settings;
  readonly cacheSettings: CacheSettings;
  readonly database: Database;
  readonly record: Pick<CacheRecord, 'recordTaking'>;
  readonly environment: Environment;
  readonly version: string;
  /** The gateway's own; undefined: one is made of MILLRACE_ACCESS. */
  readonly authenticator?: Authenticator;
  readonly onLogin?: (login: TriedCacheLogin) => void;
  /** Of what is wrong, but stops nobody. */
  readonly onProblem: (reason: string) => void;
}

/** Access to the cache as the service's settings have it. Errors: `invalid-setting`. */
export async function openServiceAccess({ settings, cacheSettings, database, record, authenticator, onLogin, onProblem, environment, version }: ServiceAccessOptions): Promise<CacheAccess> {
  const access = settings.accessFile === undefined ? undefined : await readSettingsFile(settings.accessFile, accessSettingsFile);
  const sessions = createSessionTokens(database);
  const takings = createSessionTakings({
    record: async ({ session, name, how }) => {
      // One that leaves no record may have ended since.
      if (await sessions.isKept(session)) await record.recordTaking(session, name, how);
    },
    onLost: (count, error) => onProblem(`${count} entries that sessions took from the cache, or pushed, are not in their record: ${errorMessage(error)}`),
  });
  const { controlAuth, upstreamProxy, upstreamNoProxy, upstreamCa, forbiddenPorts } = settings;
  return openCacheAccess(
    { login: cacheSettings.login, instances: Object.fromEntries(cacheSettings.access) },
    {
      ...{ controlAuth, upstreamProxy, upstreamNoProxy, upstreamCa, forbiddenPorts, environment, version, access, takings, onProblem },
      certificates: settings.cacheTls?.clientAuthorities !== undefined,
      sessions,
      ...(authenticator === undefined ? {} : { authenticator }),
      ...(onLogin === undefined ? {} : { onLogin }),
    },
  );
}
