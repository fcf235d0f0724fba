import { limitExceeded, refusal } from '../inspection/refusal.js';
import { parseRelationList, parseRelations } from './relations.js';
import { trimBlanks, trimBlanksAtEnd } from './trim-blanks.js';
import { isDebVersion } from './version.js';

/** What a package's own control file says, in the form in which it stands in an index. */
export interface PackageParagraph {
  readonly name: string;
  /** With its epoch and revision. */
  readonly version: string;
  readonly architecture: string;
  /** Name of its source package: its own where it tells none. */
  readonly source: string;
  /** Values by field name in lower case; continuation lines follow a line feed and one or more blanks. */
  readonly fields: ReadonlyMap<string, string>;
  /** Lines `Field: value`, each with a line feed, `Package` first, no blank line. The bytes of values are the package's own, whatever their encoding. */
  readonly text: Buffer;
}

/** The largest honest ones, of packages that provide thousands of others, have some 100 KiB. Hundreds are in memory at once when an index is written, and a hostile package of a thousand bytes can have one of any size. */
export const paragraphLimit = 256 * 1024;
const maxFields = 200;
const fieldName = /^[A-Za-z0-9][\x21-\x39\x3b-\x7e]{0,127}$/;
// All but tabs and line feeds: nothing that a reader could take for the end of a line or of a file.
const controlCharacter = /[\0-\x08\x0b-\x1f\x7f]/;
/** Said by the index, or by dpkg of what is installed: apt would believe a package that says them of itself. */
const foreignFields: ReadonlySet<string> = new Set(['filename', 'size', 'md5sum', 'sha1', 'sha256', 'sha512', 'status', 'config-version', 'conffiles', 'triggers-pending', 'triggers-awaited', 'description-md5', 'msdos-filename']);
const relationFields = ['Pre-Depends', 'Depends', 'Recommends', 'Suggests', 'Enhances', 'Conflicts', 'Breaks', 'Replaces', 'Provides'] as const;
const withAlternatives: ReadonlySet<string> = new Set(['Pre-Depends', 'Depends', 'Recommends', 'Suggests']);
const multiArchValues: ReadonlySet<string> = new Set(['', 'no', 'same', 'foreign', 'allowed']);

/** Reads the `control` of a binary package. Throws a reason for whatever could change the meaning of an index that it is written into, or that apt cannot read. */
export function readPackageParagraph(bytes: Buffer): PackageParagraph {
  if (bytes.length > paragraphLimit) throw limitExceeded(`the control file is larger than ${paragraphLimit} bytes`);
  const lines = readLines(trimBlanksAtEnd(bytes.toString('latin1')));
  const fields = new Map([...lines].map(([field, { value }]) => [field, value]));
  const paragraph = { name: fields.get('package') ?? '', version: fields.get('version') ?? '', architecture: fields.get('architecture') ?? '', source: sourceOf(fields), fields };
  checkIdentity(paragraph);
  checkFields(fields);
  return { ...paragraph, text: Buffer.from(toText(lines), 'latin1') };
}

interface Field {
  /** As the package writes it. */
  readonly name: string;
  readonly value: string;
}

function readLines(text: string): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  let current = '';
  for (const raw of text.split('\n')) {
    const line = trimBlanksAtEnd(raw);
    if (controlCharacter.test(line)) throw refusal('the control file has control characters');
    if (line === '') throw refusal('the control file has more than one paragraph');
    if (/^[ \t]/.test(line)) {
      const field = fields.get(current);
      if (field === undefined) throw refusal('the control file begins with a continuation line');
      fields.set(current, { ...field, value: `${field.value}\n${line}` });
      continue;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    if (!fieldName.test(name)) throw refusal(`the control file has the line ${JSON.stringify(line.slice(0, 80))}, which is no field`);
    current = name.toLowerCase();
    if (fields.has(current)) throw refusal(`the control file has the field ${name} twice`);
    if (fields.size === maxFields) throw limitExceeded(`the control file has more than ${maxFields} fields`);
    fields.set(current, { name, value: trimBlanks(line.slice(colon + 1)) });
  }
  return fields;
}

/** `Source: name (version)` */
function sourceOf(fields: ReadonlyMap<string, string>): string {
  return /^[^\s(]*/.exec(fields.get('source') ?? '')?.[0] || (fields.get('package') ?? '');
}

const packageName = /^[a-z0-9][a-z0-9+.-]{1,127}$/;

function checkIdentity({ name, version, architecture, source, fields }: Omit<PackageParagraph, 'text'>): void {
  if (!packageName.test(name)) throw refusal(`${JSON.stringify(name.slice(0, 120))} is no name of a Debian package: lower-case letters, digits, "+", "-" and "."`);
  if (!isDebVersion(version)) throw refusal(`${JSON.stringify(version.slice(0, 120))} is no version of a Debian package: [epoch:]version[-revision] of letters, digits, ".", "+", "-" and "~"`);
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(architecture) || architecture === 'any' || architecture === 'source') throw refusal(`${JSON.stringify(architecture.slice(0, 120))} is no architecture of a binary package`);
  if (!packageName.test(source)) throw refusal(`${JSON.stringify(source.slice(0, 120))} is no name of a source package`);
  const type = fields.get('package-type') ?? 'deb';
  if (type !== 'deb') throw refusal(`a package of the type ${JSON.stringify(type.slice(0, 40))} has no place in an apt repository of Millrace: only "deb" has`);
}

function checkFields(fields: ReadonlyMap<string, string>): void {
  for (const field of fields.keys()) if (foreignFields.has(field)) throw refusal(`the control file has the field ${field}, which an index or dpkg says of a package, not the package of itself`);
  for (const field of relationFields) {
    const value = fields.get(field.toLowerCase()) ?? '';
    if (withAlternatives.has(field)) parseRelations(value, field);
    else parseRelationList(value, field);
  }
  if (!multiArchValues.has(fields.get('multi-arch') ?? '')) throw refusal('the field Multi-Arch is none of no, same, foreign and allowed');
  if (!/^\d{0,15}$/.test(fields.get('installed-size') ?? '')) throw refusal('the field Installed-Size is no number');
}

/** Fields without a value say nothing. */
function toText(fields: ReadonlyMap<string, Field>): string {
  const { value: name = '' } = fields.get('package') ?? {};
  const others = [...fields].filter(([field, { value }]) => field !== 'package' && value !== '');
  return [`Package: ${name}\n`, ...others.map(([, field]) => `${field.name}:${field.value.startsWith('\n') ? '' : ' '}${field.value}\n`)].join('');
}
