import { decidePublish } from './decide-publish.js';
import { guardDrop } from './guard.js';
import { toListed, type ChangeDecision, type DecisionContext, type ListChange, type OfferedPackage } from './list-change.js';
import type { ListedPackage } from './listed-package.js';
import type { ListDraft } from './list-draft.js';
import type { ChangeKind } from './repository-change.js';

/** A change with all that the record knows of what it names. */
export interface PreparedChange {
  readonly kind: ChangeKind;
  readonly force: boolean;
  /** Described uploads, and contents that are there. */
  readonly offered: readonly OfferedPackage[];
  /** Keys to be listed no more, whether or not they are listed. */
  readonly remove: readonly string[];
  /** Keys to be listed again, as in the state that is rolled back to. */
  readonly relist: readonly string[];
}

/** These make a state although the list stays: its index is written anew. */
export const rewritingKinds: ReadonlySet<ChangeKind> = new Set(['sign', 'configure', 'repair']);

/** What a change comes to on the list that the changes before it leave: all of it or nothing. */
export function decideChange(draft: ListDraft, change: PreparedChange, context: DecisionContext): ChangeDecision {
  const published = decidePublish(draft, change.offered, context);
  if (published.problem !== undefined) return published;
  const relisted = relist(draft, change.relist);
  if (relisted.problem !== undefined) return relisted;
  // What a change asks for by name stays.
  const kept = new Set(change.offered.map(({ key }) => key));
  const removed = [...new Set(change.remove)].flatMap((key) => listed(draft, key) ?? []).filter(({ key }) => !kept.has(key));
  const gone = new Set(removed.map(({ key }) => key));
  const obsoleted = published.obsoleted.filter(({ key }) => !gone.has(key) && !kept.has(key));
  const decided = { added: [...published.added, ...relisted.added], same: published.same, removed, obsoleted };
  const problem = change.force ? undefined : guardDrop(context.settings.guard, { listed: draft.packages(), removed: [...gone], obsoleted: obsoleted.map(({ key }) => key), added: decided.added.length });
  return problem === undefined ? decided : { problem: { ...problem, message: `it ${problem.message}` } };
}

export function changesList({ added, removed, obsoleted }: ListChange): boolean {
  return added.length + removed.length + obsoleted.length > 0;
}

function listed(draft: ListDraft, key: string): ListedPackage | undefined {
  const known = draft.find(key);
  return known?.listed === true ? toListed(known) : undefined;
}

function relist(draft: ListDraft, keys: readonly string[]): ChangeDecision {
  const found = keys.flatMap((key) => draft.find(key) ?? []).filter((known) => !known.listed);
  const deleted = found.filter(({ object }) => object === 'deleted');
  if (deleted.length === 0) return { added: found.map(toListed), same: [], removed: [], obsoleted: [] };
  return {
    problem: {
      code: 'package-not-found',
      message: `the files of ${deleted.length} packages of that state are deleted for good, ${deleted[0]?.key ?? ''} among them: publish them again, with the same bytes, or go back to another state`,
      details: deleted.slice(0, 1000).map(({ key, sha256 }) => ({ key, sha256, reason: 'deleted' })),
    },
  };
}
