import { LRUCache } from 'lru-cache';
import { errorMessage } from '../../../errors/error-message.js';
import { isMillraceError, MillraceError } from '../../../errors/millrace-error.js';
import type { Environment } from '../../../settings/settings.js';
import { inTime } from '../in-time.js';
import { groupNames } from '../login-method.js';
import { filterFor } from './filter-for.js';
import type { LdapGroupsSettings } from './ldap-groups-schema.js';
import type { Directory } from './open-directory.js';
import { openDirectory } from './open-directory.js';

/** Groups of callers from a directory, as the settings look for them. */
export interface LdapGroups {
  /** Errors: `identity-unavailable`, unless the settings say that callers have no groups then. */
  groupsOf(user: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface LdapGroupsOptions {
  readonly environment: Environment;
  /** Of a directory that does not answer, where callers are let through without groups. */
  readonly onUnavailable?: (reason: string) => void;
}

const rememberedUsers = 10_000;
/** Callers are answered in a few seconds, whatever a connection may take: what the settings say of a directory that is away has to come before that. Milliseconds. */
const answerTime = 3000;
const closeTime = 1000;

export function createLdapGroups(settings: LdapGroupsSettings, { environment, onUnavailable = () => undefined }: LdapGroupsOptions): LdapGroups {
  const lifetime = settings['cache-seconds'] * 1000;
  const known = lifetime === 0 ? undefined : new LRUCache<string, readonly string[]>({ max: rememberedUsers, ttl: lifetime });
  const running = new Map<string, Promise<readonly string[]>>();
  let connection: Promise<Directory> | undefined;

  /** Those who come while it is opened share it; one that failed is nobody's. */
  async function connected(): Promise<Directory> {
    const before = connection;
    const current = await before?.catch(() => undefined);
    if (current?.usable === true) return current;
    // Somebody who waited for the same has opened another: one more would be closed by nobody.
    if (connection !== undefined && connection !== before) return connected();
    if (current !== undefined) void current.close();
    const opened = (connection = openDirectory(settings, environment));
    opened.catch(() => {
      if (connection === opened) connection = undefined;
    });
    return opened;
  }

  async function searchAll(user: string): Promise<readonly string[]> {
    const directory = await connected();
    try {
      const found = await Promise.all(settings.searches.map(({ base, filter }) => directory.commonNames(base, filterFor(filter, user))));
      return groupNames(found.flat());
    } catch (error) {
      void directory.close();
      throw error;
    }
  }

  /** A directory closes connections that were idle: what fails on one that was used before is tried once more on a new one. */
  async function search(user: string): Promise<readonly string[]> {
    const hadConnection = connection !== undefined;
    try {
      return await searchAll(user);
    } catch (error) {
      if (!hadConnection || isMillraceError(error)) throw error;
      return searchAll(user);
    }
  }

  async function answer(user: string): Promise<readonly string[]> {
    try {
      const groups = await inTime(search(user), answerTime);
      known?.set(user, groups);
      return groups;
    } catch (error) {
      const reason = `the directory ${settings.url} does not say the groups: ${errorMessage(error).slice(0, 300) || 'no answer'}`;
      if (settings['when-unavailable'] === 'no-groups') {
        onUnavailable(reason);
        return [];
      }
      throw new MillraceError('identity-unavailable', 'the directory of groups does not answer', { cause: new Error(reason, { cause: error }), suggestion: 'Try again in a moment.' });
    }
  }

  return {
    async groupsOf(user) {
      const before = known?.get(user) ?? running.get(user);
      if (before !== undefined) return before;
      const asked = answer(user).finally(() => running.delete(user));
      running.set(user, asked);
      return asked;
    },
    async close() {
      // One that is not there yet is closed once it is: nobody waits for it to end the service.
      if (connection !== undefined) await inTime(connection.then((directory) => directory.close()), closeTime).catch(() => undefined);
    },
  };
}
