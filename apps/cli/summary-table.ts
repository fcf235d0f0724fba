import Table from 'cli-table3';
import type { SessionRecord } from './build-session.js';
import type { SummarisedArtefact } from './report-summary.js';
import type { Download } from './session-api.js';
import { paint, printable, readableSize, shorten } from './terminal.js';
import type { Terminal } from './terminal.js';

const shownDigestLength = 12;
/** The report has everything; a screen need not. */
const most = 60;
const mostExamples = 5;

/** The summary of a session for people: what came in, what was refused, what failed, and what strict would say. */
export function summaryText(record: SessionRecord, terminal: Terminal): string {
  const { artefacts, policy } = record.summary;
  const violations = artefacts.filter((artefact) => artefact.verdict === 'Rejected');
  const parts = [
    artefacts.length === 0 ? 'Nothing was downloaded.' : `${artefactTable(artefacts.slice(0, most), terminal)}${omitted(artefacts.length)}`,
    section(policy === 'strict' ? 'Withheld from the build' : 'Violations (strict would refuse these)', violationLines(violations), {
      count: violations.length,
      terminal,
    }),
    section('Refused requests', exchangeLines(record.refused), { count: record.refused.length, terminal }),
    section('Failed requests', exchangeLines(record.failed), { count: record.failed.length, terminal }),
    totals(record),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** A table without colour in its lines; cells are made harmless and cut to a width. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[], rightAligned: readonly number[] = []): string {
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, column) => (rightAligned.includes(column) ? 'right' : 'left')),
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

function artefactTable(artefacts: readonly SummarisedArtefact[], terminal: Terminal): string {
  const rows = artefacts.map((artefact) => [
    cell(artefact.name, 40),
    cell(artefact.version, 20),
    cell(artefact.status === 200 ? artefact.type : `${artefact.type} (${artefact.status})`, 44),
    readableSize(artefact.size),
    artefact.sha256.slice(0, shownDigestLength),
    paint(terminal, artefact.verdict === 'Approved' ? 'green' : 'red', artefact.verdict),
  ]);
  return textTable(['name', 'version', 'type', 'size', 'sha256', 'verdict'], rows, [3]);
}

function cell(text: string, width: number): string {
  return shorten(printable(text), width);
}

function section(title: string, lines: readonly string[], { count, terminal }: { readonly count: number; readonly terminal: Terminal }): string {
  return count === 0 ? '' : [paint(terminal, 'bold', `${title}: ${count}`), ...lines.map((line) => `  ${line}`)].join('\n');
}

function omitted(count: number): string {
  return count > most ? `\n  … and ${count - most} more; the report has them all.` : '';
}

/** By reason, the most frequent first, each with some examples: hundreds of files may break the same rule. */
function violationLines(artefacts: readonly SummarisedArtefact[]): readonly string[] {
  const groups = Map.groupBy(artefacts, (artefact) => artefact.reasons.join('; ') || 'no inspector approved it');
  return [...groups]
    .toSorted(([, one], [, other]) => other.length - one.length)
    .flatMap(([reason, group]) => [`${group.length} × ${cell(reason, 300)}`, ...examples(group.map(violationLine))]);
}

function violationLine({ name, version, url }: SummarisedArtefact): string {
  return `${cell(version === '' ? name : `${name} ${version}`, 60)}  ${cell(url, 120)}`;
}

function exchangeLines(downloads: readonly Download[]): readonly string[] {
  const lines = downloads.slice(0, most).flatMap((download) => [cell(`${download.method} ${download.url}`, 120), `  ${cell(download.reason, 300)}`]);
  return downloads.length > most ? [...lines, `… and ${downloads.length - most} more`] : lines;
}

function examples(lines: readonly string[]): readonly string[] {
  const shown = lines.slice(0, mostExamples).map((line) => `  ${line}`);
  return lines.length > mostExamples ? [...shown, `  … and ${lines.length - mostExamples} more`] : shown;
}

function totals(record: SessionRecord): string {
  const { artefacts } = record.summary;
  const downloads = artefacts.reduce((sum, artefact) => sum + artefact.downloads, 0);
  const bytes = artefacts.reduce((sum, artefact) => sum + artefact.size * artefact.downloads, 0);
  const violations = artefacts.filter((artefact) => artefact.verdict === 'Rejected').length;
  return `${artefacts.length} artefacts in ${downloads} downloads, ${readableSize(bytes)}; ${record.summary.otherResponses} other answers; ${violations} not approved, ${record.refused.length} refused, ${record.failed.length} failed (policy ${record.summary.policy}).`;
}
