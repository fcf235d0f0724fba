import type { ArtefactMetadata } from '../../inspection/inspection.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { isProjectName, pypiPurl } from './project-name.js';

/** Header fields of a METADATA, PKG-INFO or WHEEL file by lower-case name, values in order. */
export type HeaderFields = ReadonlyMap<string, readonly string[]>;

/** METADATA and PKG-INFO hold the project's whole description. */
export const coreMetadataLimit = 8 * 1024 * 1024;
const maxFields = 20_000;
const fieldName = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** Reads `Name: value` lines up to the first empty one; lines that start with a blank continue the field before. Throws for what is neither. */
export function parseHeaderFields(bytes: Buffer): HeaderFields {
  const fields = new Map<string, string[]>();
  let values: string[] | undefined;
  let count = 0;
  for (const line of headerLines(bytes.toString('utf8').replace(/^\uFEFF/, ''))) {
    count += 1;
    if (count > maxFields) throw limitExceeded(`the metadata has more than ${maxFields} lines of fields`);
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (values === undefined) throw refusal('the metadata starts with a continued line');
      values.push(`${values.pop() ?? ''}\n${line.trim()}`.slice(0, 65_536));
      continue;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (!fieldName.test(name)) throw refusal(`the metadata has the line ${JSON.stringify(line.slice(0, 80))}, which is not a field`);
    const key = name.toLowerCase();
    values = fields.get(key) ?? [];
    values.push(line.slice(colon + 1).trim());
    fields.set(key, values);
  }
  return fields;
}

function* headerLines(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    const line = text.slice(start, text[stop - 1] === '\r' ? stop - 1 : stop);
    if (line === '') return;
    yield line;
    start = stop + 1;
  }
}

/** The value of a field that may stand once only; undefined when it is missing. */
export function singleField(fields: HeaderFields, name: string): string | undefined {
  const values = fields.get(name);
  if (values !== undefined && values.length > 1) throw refusal(`the metadata has the field ${name} more than once`);
  return values?.[0];
}

export interface CoreMetadata {
  readonly name: string;
  readonly version: string;
  /** Ready for the report, without the type. */
  readonly metadata: Partial<ArtefactMetadata>;
}

/** Core metadata (PEP 566 and later) of a wheel, a source archive or a `.metadata` file. */
export function parseCoreMetadata(bytes: Buffer): CoreMetadata {
  const fields = parseHeaderFields(bytes);
  const name = singleField(fields, 'name');
  const version = singleField(fields, 'version');
  const format = singleField(fields, 'metadata-version');
  if (format === undefined || !/^[12]\.\d{1,3}$/.test(format)) throw refusal('the metadata has no known Metadata-Version');
  if (name === undefined || !isProjectName(name) || version === undefined || version === '' || version.length > 256)
    throw refusal('the metadata has no valid name and version');
  const authorEmail = first(fields, 'author-email') || first(fields, 'maintainer-email');
  return {
    name,
    version,
    metadata: {
      name,
      version,
      description: first(fields, 'summary'),
      author: first(fields, 'author') || displayName(authorEmail) || first(fields, 'maintainer'),
      authorEmail,
      license: first(fields, 'license-expression') || firstLine(first(fields, 'license')) || classifiedLicence(fields),
      vendor: first(fields, 'home-page') || projectUrl(fields),
      purl: pypiPurl(name, version),
    },
  };
}

function first(fields: HeaderFields, name: string): string {
  const value = fields.get(name)?.[0] ?? '';
  return value === 'UNKNOWN' ? '' : value; // what old tools write for nothing
}

/** Some projects put the whole text of their licence here. */
function firstLine(value: string): string {
  return value.split('\n', 1)[0] as string;
}

/** `Name <address>` gives `Name`. */
function displayName(address: string): string {
  const bracket = address.indexOf('<');
  return bracket > 0 ? address.slice(0, bracket).trim().replace(/^"|"$/g, '') : '';
}

function classifiedLicence(fields: HeaderFields): string {
  const classifiers = (fields.get('classifier') ?? []).filter((value) => value.startsWith('License ::'));
  return classifiers
    .slice(0, 8)
    .map((value) => value.slice(value.lastIndexOf('::') + 2).trim())
    .join(' OR ');
}

/** `Label, URL`; the home page or the sources before a change log. */
function projectUrl(fields: HeaderFields): string {
  const urls = (fields.get('project-url') ?? []).slice(0, 32);
  const url = urls.find((value) => /^(?:home|source|repository|code)/i.test(value)) ?? urls[0] ?? '';
  return url.slice(url.indexOf(',') + 1).trim();
}
