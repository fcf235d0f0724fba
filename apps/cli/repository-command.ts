import { readFile } from 'node:fs/promises';
import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import {
  configureRepository,
  createRepository,
  deleteRepository,
  diffStates,
  findChange,
  findOrigins, findPackage,
  findRepository,
  isPreview,
  listChanges,
  listPackages,
  listRepositories,
  listStates,
  type ChangeView,
  type PageOf,
  type PreviewView,
  type Query,
} from './repository-api.js';
import { applyChange, failed, publishPackages, type AskedPublication, type ChangeContext } from './repository-publish.js';
import { changeTable, changeText, diffText, packageTable, packageText, previewText, repositoryTable, repositoryText, stateTable } from './repository-texts.js';
import type { SessionCommandContext } from './session-command.js';
import { printable } from './terminal.js';

export type RepositoryCommandContext = SessionCommandContext & Pick<ChangeContext, 'signal'>;

/** Seconds. */
const waitSeconds = 30;

export interface NewRepositoryOptions {
  readonly name: string;
  readonly kind: string;
  /** File: `repo.info` of HaikuPorter. */
  readonly info: string | undefined;
  /** File: settings as JSON. */
  readonly settings: string | undefined;
  readonly keys: readonly string[] | undefined;
  readonly store: string | undefined;
  readonly folder: string | undefined;
}

export async function repositoryCreate(context: RepositoryCommandContext, { name, kind, info, settings, keys, store, folder }: NewRepositoryOptions): Promise<void> {
  const given = { ...(settings === undefined ? {} : await readSettings(settings)), ...(keys === undefined ? {} : { keys }) };
  const body = { name, kind, settings: given, ...(store === undefined ? {} : { store }), ...(folder === undefined ? {} : { folder }), ...(info === undefined ? {} : { repoInfo: await readText(info) }) };
  const made = await createRepository(context.client, body);
  print(context, made, () => repositoryText(made));
}

export async function repositoryConfigure(context: RepositoryCommandContext, name: string, file: string): Promise<void> {
  const changed = await configureRepository(context.client, name, await readSettings(file));
  print(context, changed, () => repositoryText(changed));
}

export async function repositoryList(context: RepositoryCommandContext, name: string | undefined, query: Query): Promise<void> {
  if (name !== undefined) return printPage(context, await listPackages(context.client, name, query), { table: packageTable, none: 'No packages.' });
  if (query['state'] !== undefined || query['search'] !== undefined) throw new MillraceError('invalid-request', '--state and --search go with the name of a repository');
  printPage(context, await listRepositories(context.client, query), { table: repositoryTable, none: 'No repositories.' });
}

export async function repositoryShow(context: RepositoryCommandContext, name: string, key: string | undefined): Promise<void> {
  if (key === undefined) {
    const found = await findRepository(context.client, name);
    return print(context, found, () => repositoryText(found));
  }
  const known = await findPackage(context.client, name, key);
  const origins = await findOrigins(context.client, known.sha256);
  print(context, { ...known, origins }, () => packageText(known, origins.filter(({ repository }) => repository !== name)));
}

export async function repositoryPublish(context: RepositoryCommandContext, asked: AskedPublication): Promise<void> {
  const { state, listed, change } = await publishPackages(asked, context);
  if (change === undefined) return print(context, { state, listed, change: null }, () => `State ${state} has all of it already.`);
  print(context, { ...change, listed }, () => changedText(change));
  requirePossible(change);
}

export interface ChangeFlags {
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly wait: boolean;
}

export async function repositoryChange(context: RepositoryCommandContext, { name, action, body, wait, ...flags }: { readonly name: string; readonly action: 'remove' | 'rollback' | 'sign'; readonly body: object } & ChangeFlags): Promise<void> {
  const change = await applyChange({ name, action, body: { ...body, ...flags }, wait }, context);
  print(context, change, () => changedText(change));
  requirePossible(change);
}

export async function repositoryDelete(context: RepositoryCommandContext, name: string, force: boolean): Promise<void> {
  await deleteRepository(context.client, name, force);
  print(context, { name, deleted: true }, () => `The repository ${printable(name)} is forgotten. Its objects stay in the store.`);
}

export async function repositoryHistory(context: RepositoryCommandContext, name: string, query: Query): Promise<void> {
  printPage(context, await listStates(context.client, name, query), { table: stateTable, none: 'Nothing was published yet.' });
}

export async function repositoryDiff(context: RepositoryCommandContext, name: string, [from, to]: readonly [string, string]): Promise<void> {
  const found = await diffStates(context.client, name, { from, to });
  print(context, found, () => diffText(found));
}

export async function repositoryStatus(context: RepositoryCommandContext, name: string, { change: id, wait, limit, cursor }: { readonly change?: string; readonly wait: boolean; readonly limit?: string; readonly cursor?: string }): Promise<void> {
  if (id === undefined) return printPage(context, await listChanges(context.client, name, { limit, cursor }), { table: changeTable, none: 'No changes.' });
  let found = await findChange(context.client, name, { id, wait: 0 });
  while (wait && found.endedAt === null && !context.signal.aborted) found = await findChange(context.client, name, { id, wait: waitSeconds });
  print(context, found, () => changeText(found));
}

function printPage<Item>(context: RepositoryCommandContext, page: PageOf<Item>, { table, none }: { readonly table: (items: readonly Item[]) => string; readonly none: string }): void {
  const more = page.nextCursor === null ? '' : `\nMore: --cursor ${printable(page.nextCursor)}`;
  print(context, page, () => (page.items.length === 0 ? none : `${table(page.items)}${more}`));
}

/** A dry run ends as the change itself would: builds ask by the exit code. */
function requirePossible(change: ChangeView | PreviewView): void {
  if (isPreview(change) && change.problem !== null) throw failed({ problem: { ...change.problem, message: `it would be refused: ${change.problem.message}` } });
}

function changedText(change: ChangeView | PreviewView): string {
  return isPreview(change) ? previewText(change) : changeText(change);
}

export function print(context: RepositoryCommandContext, value: unknown, text: () => string): void {
  context.terminal.out(`${context.json ? JSON.stringify(value) : text()}\n`);
}

async function readSettings(file: string): Promise<object> {
  const text = await readText(file);
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // said below
  }
  throw new MillraceError('invalid-request', `${file} does not hold a JSON object`, { suggestion: 'docs/reference/repositories.md has the settings of repositories.' });
}

export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('invalid-request', `${file} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}
