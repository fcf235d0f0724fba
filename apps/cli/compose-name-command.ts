import { findName, listNames, nameHistory, removeName, rollBackName, setName, type ComposeNameHistory, type ComposeNameView } from './compose-name-api.js';
import type { SessionCommandContext } from './session-command.js';
import { textTable } from './summary-table.js';
import { printable, shorten } from './terminal.js';

export async function composeNameList(context: SessionCommandContext, query: Readonly<Record<string, string | undefined>>): Promise<void> {
  const page = await listNames(context.client, query);
  print(context, page, () => {
    const rows = page.items.map(({ name, composeId, since, by }) => [printable(name), String(composeId), printable(since), shorten(printable(by), 32)]);
    const more = page.nextCursor === null ? '' : `\nMore: --cursor ${printable(page.nextCursor)}`;
    return rows.length === 0 ? 'No names.' : `${textTable(['name', 'compose', 'since', 'by'], rows, [1])}${more}`;
  });
}

export async function composeNameShow(context: SessionCommandContext, name: string): Promise<void> {
  const found = await findName(context.client, name);
  const history = await nameHistory(context.client, name);
  print(context, { ...found, history }, () => `${nameText(found)}\n\n${historyText(history)}`);
}

export async function composeNameSet(context: SessionCommandContext, name: string, { composeId, force }: { readonly composeId: number; readonly force: boolean }): Promise<void> {
  const set = await setName(context.client, name, { composeId, ...(force ? { force } : {}) });
  print(context, set, () => nameText(set));
}

export async function composeNameRollback(context: SessionCommandContext, name: string, to: number | undefined): Promise<void> {
  const back = await rollBackName(context.client, name, to);
  print(context, back, () => nameText(back));
}

export async function composeNameRemove(context: SessionCommandContext, name: string): Promise<void> {
  await removeName(context.client, name);
  print(context, { name, removed: true }, () => `The name ${printable(name)} is removed. Its compose expires as usual.`);
}

function print(context: SessionCommandContext, value: unknown, text: () => string): void {
  context.terminal.out(`${context.json ? JSON.stringify(value) : text()}\n`);
}

function nameText({ name, composeId, since, by, links }: ComposeNameView): string {
  const lines = [['name', name], ['compose', String(composeId)], ['since', since], ['by', by], ['.repo file', links.repoFile], ['files', links.files]] as const;
  return lines.map(([label, value]) => `${label.padEnd(10)}  ${printable(value)}`).join('\n');
}

function historyText(history: ComposeNameHistory): string {
  const rows = history.map(({ composeId, since, by, kind }) => [String(composeId), printable(kind), printable(since), shorten(printable(by), 32)]);
  return textTable(['compose', 'how', 'since', 'by'], rows, [0]);
}
