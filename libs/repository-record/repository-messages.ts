import type { Sql } from '../database/sql.js';
import { leaveMessage } from '../messaging/leave-message.js';
import type { ChangeKind, ChangeProblem } from '../repository/repository-change.js';
import type { UpkeepTask } from '../repository/repository-events.js';
import { repositoryStreamId } from '../repository/repository.js';
import type { RecordOptions } from './record-options.js';

const repositoryChangedTopic = 'millrace.repository.changed';

/** What is told of a change. */
export interface ToldChange {
  readonly id: string;
  readonly kind: ChangeKind;
  readonly by: string;
}

/** Packages that a message names; of more, only the number is told. */
const named = 500;

/** docs/reference/repository-events.md has the keys of messages. */
export type RepositoryNews =
  | { readonly kind: 'created' | 'configured' | 'removed'; readonly state: number; readonly by: string; readonly at: string }
  | { readonly kind: 'upkeep-failed'; readonly state: number; readonly task: UpkeepTask; readonly problem: ChangeProblem; readonly at: string }
  | { readonly kind: 'failed'; readonly state: number; readonly changes: readonly ToldChange[]; readonly problem: ChangeProblem; readonly at: string }
  | {
      readonly kind: 'published';
      readonly state: number;
      readonly before: number;
      readonly changes: readonly ToldChange[];
      readonly packages: number;
      readonly added: readonly string[];
      readonly removed: readonly string[];
      readonly at: string;
    };

/** In the transaction that holds the repository. */
export async function tellOutside(sql: Sql, { repositoryUrl }: Pick<RecordOptions, 'repositoryUrl'>, name: string, news: RepositoryNews): Promise<void> {
  const body = { event: 'repository-changed', repository: name, kind: news.kind, state: news.state, ...told(news), at: news.at, url: news.kind === 'removed' ? null : `${repositoryUrl}/${name}/` };
  await leaveMessage(sql, { streamId: repositoryStreamId(name), topic: repositoryChangedTopic, body });
}

function told(news: RepositoryNews): object {
  if ('task' in news) return { task: news.task, problem: shortened(news.problem) };
  if (!('changes' in news)) return { by: news.by };
  const changes = news.changes.map(({ id, kind, by }) => ({ id, kind, by }));
  if (news.kind === 'failed') return { changes, problem: shortened(news.problem) };
  const { before, packages, added, removed } = news;
  return { previous_state: before, changes, packages, added_count: added.length, removed_count: removed.length, added: added.slice(0, named), removed: removed.slice(0, named) };
}

function shortened({ code, message }: ChangeProblem): Omit<ChangeProblem, 'details'> {
  return { code, message };
}
