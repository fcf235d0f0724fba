import { parse } from 'smol-toml';
import { isRecord, own } from '../../inspection/bounded-json.js';
import type { ArtefactMetadata } from '../../inspection/inspection.js';
import { refusal } from '../../inspection/refusal.js';
import { isCrateName, isCrateVersion, type CrateId } from './crate-id.js';

/** What the Cargo.toml of a crate says of it. */
export interface CrateManifest extends CrateId {
  readonly metadata: Partial<ArtefactMetadata>;
}

export const crateManifestLimit = 2 * 1024 * 1024;
const maxAuthors = 64;
const person = /^([^<]{0,1000})<([^<>]{1,1000})>\s*$/;

/** Parses a published Cargo.toml, in which nothing is inherited from a workspace any more. Throws the reason when it names no release. */
export function parseCrateManifest(bytes: Buffer): CrateManifest {
  const fields = packageTable(bytes);
  const name = own(fields, 'name');
  const version = own(fields, 'version');
  if (typeof name !== 'string' || typeof version !== 'string' || !isCrateName(name) || !isCrateVersion(version))
    throw refusal('the Cargo.toml of the crate has no valid name and version');
  return { name, version, metadata: manifestMetadata(fields) };
}

function packageTable(bytes: Buffer): Record<string, unknown> {
  let document: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    document = parse(text, { maxDepth: 64, integersAsBigInt: 'asNeeded' });
  } catch (cause) {
    throw refusal('the Cargo.toml of the crate is not valid TOML', cause);
  }
  // Crates of the first years call the table `project`.
  const table = isRecord(document) ? (own(document, 'package') ?? own(document, 'project')) : undefined;
  if (!isRecord(table)) throw refusal('the Cargo.toml of the crate has no package table');
  return table;
}

function manifestMetadata(fields: Record<string, unknown>): Partial<ArtefactMetadata> {
  const authors = own(fields, 'authors');
  const names = Array.isArray(authors) ? authors.filter((author): author is string => typeof author === 'string').slice(0, maxAuthors) : [];
  const licenceFile = text(own(fields, 'license-file'));
  return {
    description: text(own(fields, 'description')).trim(),
    // The slash is how crates of the first years write OR.
    license: text(own(fields, 'license')).replaceAll(/\s*\/\s*/g, ' OR ') || (licenceFile === '' ? '' : `LicenseRef-${licenceFile}`),
    author: names.map((author) => person.exec(author)?.[1]?.trim() || author).join(', '),
    authorEmail: names.flatMap((author) => person.exec(author)?.[2] ?? []).join(', '),
    vendor: text(own(fields, 'repository')) || text(own(fields, 'homepage')),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
