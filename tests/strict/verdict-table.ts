import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { StrictVerdict } from './record-verdict.js';

const head = `# What passes strict

Made by \`npm test\` from what its specs saw: real clients, run through the proxy in a **strict** session. Each honest build passes; each tampered twin (a hostile registry on loopback that changes one byte, or lies otherwise) is
refused with the reason. A spec whose client is not on the machine fails. Do not edit: \`MILLRACE_UPDATE_DOCS=1 npm test\` writes it anew.

| ecosystem | client | build | strict | reason of the refusal |
|---|---|---|---|---|
`;

/** The page docs/reference/strict-verdicts.md; the same rows make the same bytes. */
export function renderVerdicts(rows: readonly StrictVerdict[]): string {
  const lines = rows.map((row) => `| ${[row.ecosystem, row.client, row.build, row.verdict, row.reason ?? ''].map(cell).join(' | ')} |`);
  // By ecosystem, client and build; an honest build stands before its tampered twin.
  const key = (row: StrictVerdict): string => [row.ecosystem, row.verdict === 'passes' ? '0' : '1', row.client, row.build].join('\0');
  const order = rows.map((row, index) => ({ key: key(row), line: lines[index] as string })).toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return `${head}${[...new Set(order.map(({ line }) => line))].join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('\n', ' ').replaceAll('|', '\\|');
}

/** What `recordVerdict` wrote into a directory. */
export function readVerdicts(directory: string): StrictVerdict[] {
  return globSync('*.json', { cwd: directory }).map((file) => JSON.parse(readFileSync(path.join(directory, file), 'utf8')) as StrictVerdict);
}
