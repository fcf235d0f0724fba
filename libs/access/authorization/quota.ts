import type { Principal } from '../principal.js';
import type { AuthorizationSettings, QuotaSettings } from './authorization-schema.js';

/** What one owner may have; undefined: as much as they like. */
export interface Quota {
  /** That wait or are being generated, at once. */
  readonly composes: number | undefined;
  /** In the distinct trees that the owner's composes promise. */
  readonly bytes: number | undefined;
  /** Longest life of a compose; the service's own maximum holds besides. */
  readonly secondsToLive: number | undefined;
}

/** Each number from the user's entry, else the largest of the entries of their groups, else the default. The control credentials have none. */
export function quotaOf({ quotas }: AuthorizationSettings, { name, groups, by }: Principal): Quota {
  if (by === 'control') return { composes: undefined, bytes: undefined, secondsToLive: undefined };
  const own = Object.hasOwn(quotas.users, name) ? quotas.users[name] : undefined;
  const shared = groups.flatMap((group) => (Object.hasOwn(quotas.groups, group) ? [quotas.groups[group] ?? {}] : []));
  const limit = (key: keyof QuotaSettings): number | undefined => own?.[key] ?? largest(shared.map((entry) => entry[key])) ?? quotas.default[key];
  return { composes: limit('composes'), bytes: limit('bytes'), secondsToLive: limit('seconds_to_live') };
}

function largest(numbers: readonly (number | undefined)[]): number | undefined {
  const given = numbers.filter((number) => number !== undefined);
  return given.length === 0 ? undefined : Math.max(...given);
}
