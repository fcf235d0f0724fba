import type { ChangeProblem } from './repository-change.js';
import type { RepositorySettings } from './repository.js';

/** Packages that a problem names; of more, only the number is told. */
const named = 100;

export interface Drop {
  /** How many packages are listed now. */
  readonly listed: number;
  /** What would be listed no more. */
  readonly removed: readonly string[];
  /** Further ones that would follow, whose names are not at hand. */
  readonly unnamed?: number;
  /** Older versions that make room. */
  readonly obsoleted?: readonly string[];
  /** Newly listed: as many older versions may go without being missed. */
  readonly added?: number;
}

/**
 * Undefined: it may be done. A drop is guarded when it is more than `guard.packages` and more than `guard.share` of all: a few packages may always go, however small the
 * repository, and a large mirror may turn over hundreds; what would halve either is asked about.
 */
export function guardDrop(guard: RepositorySettings['guard'], { listed, removed, unnamed = 0, obsoleted = [], added = 0 }: Drop): ChangeProblem | undefined {
  const dropped = removed.length + unnamed + Math.max(0, obsoleted.length - added);
  if (dropped <= guard.packages || dropped <= guard.share * listed) return undefined;
  const share = (part: number): string => `${Math.round(part * 1000) / 10} %`;
  return {
    code: 'change-guarded',
    message: `would drop ${dropped} of ${listed} packages (${share(dropped / listed)}), more than ${guard.packages} and more than ${share(guard.share)}: see that it is meant, then ask again by force`,
    details: [{ dropped, listed }, ...removed.map((key) => ({ key, reason: 'removed' })), ...obsoleted.map((key) => ({ key, reason: 'obsoleted' }))].slice(0, named + 1),
  };
}
