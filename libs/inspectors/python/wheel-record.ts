import { createHash } from 'node:crypto';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import type { ZipArchive } from '../archives/zip-archive.js';

/** A line of a wheel's RECORD. */
export interface RecordEntry {
  /** `sha256`, `sha384` or `sha512`; undefined for the RECORD itself. */
  readonly algorithm: string | undefined;
  /** URL-safe base64 without padding. */
  readonly digest: string;
  /** Undefined when the line gives none. */
  readonly size: number | undefined;
}

export const recordLimit = 32 * 1024 * 1024;
const maxLines = 250_000;
const strongEnough = ['sha256', 'sha384', 'sha512'];

/** RECORD as CSV: `path,algorithm=digest,size`. Throws for a malformed line and for a path that comes twice. */
export function parseRecord(bytes: Buffer): ReadonlyMap<string, RecordEntry> {
  const entries = new Map<string, RecordEntry>();
  const lines = bytes.toString('utf8').split('\n', maxLines + 1);
  if (lines.length > maxLines) throw limitExceeded(`RECORD has more than ${maxLines} lines`);
  for (const [index, raw] of lines.entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line.trim() === '') continue;
    const fields = splitCsv(line);
    const [path, hash, size] = fields ?? [];
    if (fields?.length !== 3 || path === undefined || path === '' || hash === undefined || size === undefined || !/^\d{0,15}$/.test(size))
      throw refusal(`line ${index + 1} of RECORD is malformed`);
    if (entries.has(path)) throw refusal(`RECORD lists ${JSON.stringify(path.slice(0, 120))} twice`);
    const equals = hash.indexOf('=');
    entries.set(path, {
      algorithm: equals < 0 ? undefined : hash.slice(0, equals),
      digest: hash.slice(equals + 1).replace(/=+$/, ''),
      size: size === '' ? undefined : Number(size),
    });
  }
  return entries;
}

/** The fields of one line; a quoted field may hold commas and doubled quotes. Undefined when a quote is left open. */
function splitCsv(line: string): string[] | undefined {
  const fields: string[] = [];
  let offset = 0;
  for (;;) {
    if (line[offset] === '"') {
      let end = line.indexOf('"', offset + 1);
      while (end >= 0 && line[end + 1] === '"') end = line.indexOf('"', end + 2);
      if (end < 0) return undefined;
      fields.push(line.slice(offset + 1, end).replaceAll('""', '"'));
      offset = end + 1;
    } else {
      const comma = line.indexOf(',', offset);
      const end = comma < 0 ? line.length : comma;
      fields.push(line.slice(offset, end));
      offset = end;
    }
    if (offset >= line.length) return fields;
    if (line[offset] !== ',') return undefined;
    offset += 1;
  }
}

/** Throws unless the archive holds exactly the files that its RECORD lists, each with the size and digest that stand there. */
export async function checkRecord(archive: ZipArchive, distInfo: string): Promise<void> {
  const recordPath = `${distInfo}/RECORD`;
  const unlisted = new Set([recordPath, `${recordPath}.jws`, `${recordPath}.p7s`]);
  const record = parseRecord(await archive.read(recordPath, recordLimit));
  for (const path of record.keys()) {
    if (!archive.files.has(path)) throw refusal(`RECORD lists ${JSON.stringify(path.slice(0, 120))}, which the wheel does not hold`);
  }
  for (const path of archive.files.keys()) {
    if (unlisted.has(path)) continue;
    const entry = record.get(path);
    if (entry === undefined) throw refusal(`the wheel holds ${JSON.stringify(path.slice(0, 120))}, which its RECORD does not list`);
    await checkFile(archive, path, entry);
  }
}

async function checkFile(archive: ZipArchive, path: string, entry: RecordEntry): Promise<void> {
  const shown = JSON.stringify(path.slice(0, 120));
  if (entry.algorithm === undefined || !strongEnough.includes(entry.algorithm)) throw refusal(`RECORD gives ${shown} no SHA-256 or stronger digest`);
  if (entry.size !== undefined && entry.size !== archive.files.get(path)) throw refusal(`${shown} has not the size that RECORD gives`);
  const hash = createHash(entry.algorithm);
  for await (const chunk of archive.content(path)) hash.update(chunk);
  if (hash.digest('base64url') !== entry.digest) throw refusal(`${shown} has not the digest that RECORD gives`);
}
