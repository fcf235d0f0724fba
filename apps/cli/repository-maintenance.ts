import { checkRepository, pruneRepository, readReportText, repairRepository, synchroniseRepository, type ChangeView } from './repository-api.js';
import { print, readText, type RepositoryCommandContext } from './repository-command.js';
import { prunedText, repairedText, reportText, synchronisedText } from './repository-maintenance-texts.js';
import { changeEnd, failed } from './repository-publish.js';

export interface Caution {
  readonly dryRun: boolean;
  readonly force: boolean;
}

/** Resolves to whether nothing was found. */
export async function repositoryCheck(context: RepositoryCommandContext, name: string, deep: boolean): Promise<boolean> {
  const report = await checkRepository(context.client, name, { deep });
  const text = context.json ? '' : await readReportText(context.client, name);
  print(context, report, () => reportText(text));
  return !Array.isArray(report['findings']) || report['findings'].length === 0;
}

export async function repositoryPrune(context: RepositoryCommandContext, name: string, caution: Caution): Promise<void> {
  const done = await pruneRepository(context.client, name, caution);
  print(context, done, () => prunedText(done));
}

export async function repositoryRepair(context: RepositoryCommandContext, name: string, { wait, ...caution }: Caution & { readonly wait: boolean }): Promise<void> {
  const done = await repairRepository(context.client, name, caution);
  const outcomes = await ended(context, name, wait ? done.changes : []);
  print(context, { ...done, outcomes }, () => repairedText(done, { ...caution, outcomes }));
  requireDone(outcomes);
}

export interface AskedSynchronisation extends Caution {
  readonly name: string;
  /** Import from there, once; undefined: from the upstream of the mirror. */
  readonly from?: { readonly url: string; readonly keyFiles: readonly string[] };
  readonly wait: boolean;
}

export async function repositorySynchronise(context: RepositoryCommandContext, { name, from, wait, ...caution }: AskedSynchronisation): Promise<void> {
  const keys = await Promise.all((from?.keyFiles ?? []).map(readText));
  const body = { ...caution, ...(from === undefined ? {} : { url: from.url }), ...(keys.length === 0 ? {} : { keys }) };
  const done = await synchroniseRepository(context.client, { name, action: from === undefined ? 'sync' : 'import', body });
  const outcomes = await ended(context, name, wait ? done.changes : []);
  print(context, { ...done, outcomes }, () => synchronisedText(done, { ...caution, outcomes }));
  requireDone(outcomes);
}

/** Whoever lists the repository next has to find what was fetched. */
async function ended(context: RepositoryCommandContext, name: string, changes: readonly string[]): Promise<readonly ChangeView[]> {
  const outcomes: ChangeView[] = [];
  for (const id of changes) outcomes.push(await changeEnd(name, id, context));
  return outcomes;
}

function requireDone(outcomes: readonly ChangeView[]): void {
  const bad = outcomes.find(({ problem }) => problem !== null);
  if (bad !== undefined) throw failed(bad);
}
