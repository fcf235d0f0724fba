import { MillraceError } from '../errors/millrace-error.js';
import type { ComposeName } from './compose-names.js';

/** Stream id `compose-name:<name>`. All times RFC 3339 in UTC with milliseconds. */
export type ComposeNameEvent = NamePromoted | NameRolledBack | NameRemoved;

export interface NamePromoted {
  readonly type: 'NamePromoted';
  /** `newest`: the highest compose that the name has ever pointed at since it was made. */
  readonly data: PointedAt & { readonly force: boolean };
}

export interface NameRolledBack {
  readonly type: 'NameRolledBack';
  readonly data: PointedAt;
}

export interface NameRemoved {
  readonly type: 'NameRemoved';
  readonly data: { readonly previousId: number; readonly removedAt: string; readonly by: string };
}

interface PointedAt {
  readonly composeId: number;
  /** Null: the name is new. */
  readonly previousId: number | null;
  readonly newest: number;
  readonly since: string;
  readonly by: string;
}

export interface ComposeNameLife {
  /** Null: there is no such name, or not any more. */
  readonly current: Omit<ComposeName, 'name'> | null;
  /** What it pointed at, the current one last; what a rollback has left is not in it. */
  readonly trail: readonly number[];
  readonly newest: number;
}

export const unnamed: ComposeNameLife = { current: null, trail: [], newest: 0 };

/** A rollback goes back over so many composes. */
const longestTrail = 100;

/** So many events are enough to know the state: each has all of it but the trail. */
export const eventsOfLife = 2 * longestTrail;

export const composeNameStreamId = (name: string): string => `compose-name:${name}`;

export function evolveName(life: ComposeNameLife, event: ComposeNameEvent): ComposeNameLife {
  if (event.type === 'NameRemoved') return unnamed;
  const { composeId, since, by, newest } = event.data;
  return { current: { composeId, since, by }, newest, trail: trailAfter(life.trail, event).slice(-longestTrail) };
}

function trailAfter(trail: readonly number[], { type, data: { composeId } }: NamePromoted | NameRolledBack): readonly number[] {
  const at = type === 'NameRolledBack' ? trail.lastIndexOf(composeId) : -1;
  return at < 0 ? [...trail, composeId] : trail.slice(0, at + 1);
}

export interface Promotion {
  readonly composeId: number;
  readonly by: string;
  readonly force: boolean;
  readonly now: string;
}

/**
 * No event where it points there already, or where it had a newer one: composes become done in any order, and what was rolled back is not taken again by itself.
 */
export function decidePromotion({ current, newest }: ComposeNameLife, { composeId, by, force, now }: Promotion): NamePromoted | undefined {
  if (current?.composeId === composeId || (!force && composeId <= newest)) return undefined;
  return { type: 'NamePromoted', data: { composeId, previousId: current?.composeId ?? null, newest: Math.max(newest, composeId), since: now, by, force } };
}

/** The name must point somewhere. */
export function decideRollback({ current, newest }: ComposeNameLife, { composeId, by, now }: Omit<Promotion, 'force'>): NameRolledBack | undefined {
  if (current === null || current.composeId === composeId) return undefined;
  return { type: 'NameRolledBack', data: { composeId, previousId: current.composeId, newest: Math.max(newest, composeId), since: now, by } };
}

/** Composes that a rollback may go to, the one to prefer first. */
export function rollbackTargets({ current, trail }: ComposeNameLife): readonly number[] {
  return [...new Set(trail.toReversed())].filter((id) => id !== current?.composeId);
}

export function nameNotFound(name: string): MillraceError {
  return new MillraceError('compose-name-not-found', `there is no compose name ${JSON.stringify(name.slice(0, 128))}`, { suggestion: 'millrace compose name list shows those that there are.' });
}
