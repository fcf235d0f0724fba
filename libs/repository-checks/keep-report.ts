import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { ObjectStore } from '../object-storage/object-store.js';
import { readSmallObject } from '../object-storage/read-small-object.js';
import { repositoryConsistencyText, reportText } from '../repository-formats/haiku/consistency-text.js';
import type { RepositoryChange } from '../repository/repository-change.js';
import type { CheckReport } from './finding.js';
import { parseReport } from './report-schema.js';

/** Beside the repository, so that every gateway and worker reads the same; served to nobody. */
const folder = '.reports/';
const reportKey = `${folder}check.json`;
/** Bytes; of more findings than a report has, only the number is told. */
const largest = 64 * 1024 * 1024;

export interface KeptReport {
  readonly store: ObjectStore;
  /** Absolute path: `repo_consistency.txt` and `report.txt` are written there too, as HaikuPorter's frontend shows them. */
  readonly outputDirectory: string;
  /** The last ones, newest first. */
  readonly changes: readonly RepositoryChange[];
  readonly signal: AbortSignal;
}

/** The texts first: whoever finds the report finds its texts. */
export async function keepReport(report: CheckReport, { store, outputDirectory, changes, signal }: KeptReport): Promise<void> {
  const texts = { 'repo_consistency.txt': repositoryConsistencyText({ revision: `state ${report.state}`, findings: report.findings }), 'report.txt': reportText({ findings: report.findings, published: [summary(report), ...changes.map(changeLine)] }) };
  await mkdir(outputDirectory, { recursive: true });
  for (const [name, text] of Object.entries(texts)) {
    await writeWhole(path.join(outputDirectory, name), text);
    await store.put(`${folder}${name}`, Buffer.from(text), { contentType: 'text/plain; charset=utf-8', signal });
  }
  await store.put(reportKey, Buffer.from(`${JSON.stringify(report)}\n`), { contentType: 'application/json', signal });
}

/** Of the last check; undefined: there was none, or it cannot be read. */
export async function readReport(store: ObjectStore, signal: AbortSignal): Promise<CheckReport | undefined> {
  const text = await readText(store, reportKey, signal);
  return text === undefined ? undefined : parseReport(text);
}

export function readReportText(store: ObjectStore, signal: AbortSignal): Promise<string | undefined> {
  return readText(store, `${folder}report.txt`, signal);
}

async function readText(store: ObjectStore, key: string, signal: AbortSignal): Promise<string | undefined> {
  return (await readSmallObject(store, key, { limit: largest, signal }))?.toString('utf8');
}

function summary({ repository, state, depth, packages, objects, endedAt, counts }: CheckReport): string {
  const found = Object.entries(counts).filter(([, count]) => count > 0);
  return `${depth} check of ${repository}, state ${state}, at ${endedAt}: ${packages} packages, ${objects} objects; ${found.length === 0 ? 'nothing found' : found.map(([kind, count]) => `${kind}: ${count}`).join(', ')}`;
}

function changeLine({ request, phase, by, endedAt, requestedAt, outcome, problem }: RepositoryChange): string {
  const did = outcome === null ? (problem === null ? phase : `failed: ${problem.code}: ${oneLine(problem.message)}`) : `state ${outcome.state}, ${outcome.added.length} added, ${outcome.removed.length} removed, ${outcome.obsoleted.length} obsoleted`;
  return `${endedAt ?? requestedAt} ${request.kind} by ${oneLine(by)}: ${did}`;
}

function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').slice(0, 500);
}

async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}
