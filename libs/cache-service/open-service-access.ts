import { accessSettingsFile, type AccessSettings } from '../access/access-settings.js';
import type { Authenticator } from '../access/authenticator.js';
import type { CacheAccess } from '../cache-access/cache-access.js';
import type { CacheAccessSettings, TriedCacheLogin } from '../cache-access/cache-access-options.js';
import { openCacheAccess } from '../cache-access/open-cache-access.js';
import { createSessionTakings } from '../cache-access/session-takings.js';
import type { CacheRecord } from '../cache-record/cache-record.js';
import type { Database } from '../database/open-database.js';
import { errorMessage } from '../errors/error-message.js';
import { createSessionTokens } from '../session-record/session-tokens.js';
import { readSettingsFile } from '../settings-file/read-settings-file.js';
import { watchFiles } from '../settings-file/watch-files.js';
import type { Environment, Settings } from '../settings/settings.js';
import { readCacheSettings, type CacheSettings } from './cache-settings.js';

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
  /** After the files were read again. */
  readonly onChange?: () => void;
  /** Milliseconds between two looks at the files. */
  readonly every?: number;
}

const lookAgain = 10_000;

/** Access to the cache as the service's settings have it, also when their files change. Errors: `invalid-setting`. */
export async function openServiceAccess({ settings, cacheSettings, database, record, authenticator, onLogin, onProblem, onChange = () => undefined, every = lookAgain, environment, version }: ServiceAccessOptions): Promise<CacheAccess> {
  const readAccess = async (): Promise<AccessSettings | undefined> => (settings.accessFile === undefined ? undefined : readSettingsFile(settings.accessFile, accessSettingsFile));
  const access = await readAccess();
  const sessions = createSessionTokens(database);
  const takings = createSessionTakings({
    record: async ({ session, name, how }) => {
      // One that leaves no record may have ended since.
      if (await sessions.isKept(session)) await record.recordTaking(session, name, how);
    },
    onLost: (count, error) => onProblem(`${count} entries that sessions took from the cache, or pushed, are not in their record: ${errorMessage(error)}`),
  });
  const { controlAuth, upstreamProxy, upstreamNoProxy, upstreamCa, forbiddenPorts } = settings;
  const opened = await openCacheAccess(
    accessOf(cacheSettings),
    {
      ...{ controlAuth, upstreamProxy, upstreamNoProxy, upstreamCa, forbiddenPorts, environment, version, access, takings, onProblem },
      certificates: settings.cacheTls?.clientAuthorities !== undefined,
      sessions,
      ...(authenticator === undefined ? {} : { authenticator }),
      ...(onLogin === undefined ? {} : { onLogin }),
    },
  );
  // The gateway asks its authenticator for all of its routes, and so keeps the roles that belong to it.
  const files = [settings.cacheFile, ...(authenticator === undefined ? [settings.accessFile] : [])].filter((file) => file !== undefined);
  const watch = watchFiles(files, {
    every,
    changed: async () => {
      await opened.replace(accessOf(await readCacheSettings(settings)), authenticator === undefined ? await readAccess() : access);
      onChange();
    },
    onProblem: (error) => onProblem(`the changed settings of the access to the cache cannot be used, and those of before stay: ${errorMessage(error)}`),
  });
  return {
    ...opened,
    async close() {
      await watch.close();
      await opened.close();
    },
  };
}

function accessOf({ login, access }: CacheSettings): CacheAccessSettings {
  return { login, instances: Object.fromEntries(access) };
}
