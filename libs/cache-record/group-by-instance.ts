import { groupCommit, type GroupCommitOptions } from '../database/group-commit.js';
import { useTimes, type RecordContext } from './record-context.js';

/** One group commit an instance: what is done in one never waits for another. Errors: `invalid-request` for an instance that there is not. */
export function groupByInstance<Item, Result>(
  context: RecordContext,
  { commit, largestBatch }: { readonly commit: (instance: string, items: readonly Item[]) => Promise<readonly Result[]> } & Pick<GroupCommitOptions<Item, Result>, 'largestBatch'>,
): (instance: string, item: Item) => Promise<Result> {
  const groups = new Map<string, (item: Item) => Promise<Result>>();
  return async (instance, item) => {
    useTimes(context, instance);
    const group = groups.get(instance) ?? groupCommit({ commit: (items: readonly Item[]) => commit(instance, items), largestBatch });
    groups.set(instance, group);
    return group(item);
  };
}
