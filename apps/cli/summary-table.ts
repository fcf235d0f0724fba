import Table from 'cli-table3';
import type { SessionRecord } from './build-session.js';
import type { SummarisedArtefact } from './report-summary.js';
import type { Download } from './session-api.js';
import { paint, printable, readableSize, shorten } from './terminal.js';
import type { Terminal } from './terminal.js';

const shownDigestLength = 12;
const most = 500;

/** The summary of a session for people: what came in, what was refused, what failed, and what strict would say. */
export function summaryText(record: SessionRecord, terminal: Terminal): string {
  const { artefacts, policy } = record.summary;
  const violations = artefacts.filter((artefact) => artefact.verdict === 'Rejected');
  const parts = [
    artefacts.length === 0 ? 'Nothing was downloaded.' : `${artefactTable(artefacts.slice(0, most), terminal)}${omitted(artefacts.length)}`,
    section(policy === 'strict' ? 'Withheld from the build' : 'Violations (strict would refuse these)', violations.map(violationLine), terminal),
    section('Refused requests', record.refused.map(exchangeLine), terminal),
    section('Failed requests', record.failed.map(exchangeLine), terminal),
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

function section(title: string, lines: readonly string[], terminal: Terminal): string {
  if (lines.length === 0) return '';
  return [paint(terminal, 'bold', `${title}: ${lines.length}`), ...lines.slice(0, most).map((line) => `  ${line}`)].join('\n') + omitted(lines.length);
}

function omitted(count: number): string {
  return count > most ? `\n  … and ${count - most} more; the report has them all.` : '';
}

function violationLine(artefact: SummarisedArtefact): string {
  const label = artefact.version === '' ? artefact.name : `${artefact.name} ${artefact.version}`;
  return `${cell(label, 60)}  ${cell(artefact.url, 120)}\n    ${cell(artefact.reasons.join('; ') || 'no inspector approved it', 300)}`;
}

function exchangeLine(download: Download): string {
  return `${cell(`${download.method} ${download.url}`, 120)}\n    ${cell(download.reason, 300)}`;
}

function totals(record: SessionRecord): string {
  const { artefacts } = record.summary;
  const downloads = artefacts.reduce((sum, artefact) => sum + artefact.downloads, 0);
  const bytes = artefacts.reduce((sum, artefact) => sum + artefact.size * artefact.downloads, 0);
  const violations = artefacts.filter((artefact) => artefact.verdict === 'Rejected').length;
  return `${artefacts.length} artefacts in ${downloads} downloads, ${readableSize(bytes)}; ${record.summary.otherResponses} other answers; ${violations} not approved, ${record.refused.length} refused, ${record.failed.length} failed (policy ${record.summary.policy}).`;
}
