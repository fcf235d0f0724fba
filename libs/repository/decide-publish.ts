import { isMillraceError } from '../errors/millrace-error.js';
import { toListed, type ChangeDecision, type DecisionContext, type OfferedPackage } from './list-change.js';
import type { ListedPackage } from './listed-package.js';
import type { ListDraft } from './list-draft.js';
import { obsoleteVersions } from './obsolete-versions.js';
import type { ChangeProblem, PlannedPackage } from './repository-change.js';

/** A package is added, or there with the same bytes; with other bytes nothing of the change is done, however the two come to differ. */
export function decidePublish(draft: ListDraft, offered: readonly OfferedPackage[], { settings, compareVersions, at }: DecisionContext): ChangeDecision {
  const added = new Map<string, PlannedPackage>();
  const same: string[] = [];
  const conflicts: Conflict[] = [];
  for (const one of offered) {
    const known = added.get(one.key) ?? draft.find(one.key);
    if (known !== undefined && known.sha256 !== one.sha256) conflicts.push({ key: one.key, published: known.sha256, offered: one.sha256 });
    else if (added.has(one.key)) continue;
    else if (draft.find(one.key)?.listed === true) same.push(one.key);
    else added.set(one.key, plan(one, known, at));
  }
  if (conflicts.length > 0) return { problem: conflictProblem(conflicts) };
  const list = [...added.values()];
  if (settings.keepVersions === null) return { added: list, same, removed: [], obsoleted: [] };
  try {
    return { added: list, same, removed: [], obsoleted: obsoleteVersions(draft, list, { keep: settings.keepVersions, compareVersions }) };
  } catch (error) {
    // In the way of this change, and of no other.
    if (!isMillraceError(error)) throw error;
    return { problem: { code: 'package-invalid', message: `versions of its packages cannot be compared with those that are listed: ${error.message}`, details: [] } };
  }
}

/** What was published once stays what and where it was. */
function plan(offered: OfferedPackage, known: ListedPackage | undefined, at: string): PlannedPackage {
  const { upload, ...described } = offered;
  return { ...toListed(known ?? { ...described, addedAt: at }), ...(upload === undefined ? {} : { upload }) };
}

interface Conflict {
  readonly key: string;
  readonly published: string;
  readonly offered: string;
}

function conflictProblem(conflicts: readonly Conflict[]): ChangeProblem {
  const [{ key, published, offered } = { key: '', published: '', offered: '' }] = conflicts;
  const others = conflicts.length === 1 ? '' : `, and ${conflicts.length - 1} more packages`;
  return {
    code: 'package-conflict',
    message: `${key} is published with sha256 ${published}, and offered with sha256 ${offered}${others}: what is published is never overwritten, so give the new build a version or revision of its own`,
    details: conflicts,
  };
}
