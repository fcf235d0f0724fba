import { parse } from 'yaml';
import { isRecord, own } from '../../inspection/bounded-json.js';
import type { ArtefactMetadata } from '../../inspection/inspection.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { spdxLicense } from '../documents/spdx-license.js';

const maxFile = 256 * 1024;
const maxAliases = 100;
const maxArchitectures = 32;

/** Reads the project file of a craft (snapcraft.yaml and its kin), at most 256 KiB. Throws the reason when it is no YAML, or names no project. */
export function readCraftFile(file: string, content: Buffer): Partial<ArtefactMetadata> {
  const project = parseYaml(file, content);
  const name = text(project, 'name');
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) throw refusal(`the ${file} names no project`);
  return {
    name,
    version: text(project, 'version'),
    description: text(project, 'summary') || text(project, 'description'),
    license: spdxLicense(text(project, 'license')),
    architecture: architectures(project),
    author: contacts(own(project, 'contact')),
    vendor: text(project, 'website') || text(project, 'source-code'),
  };
}

function parseYaml(file: string, content: Buffer): Record<string, unknown> {
  if (content.length > maxFile) throw limitExceeded(`the ${file} is larger than ${maxFile} bytes`);
  let document: unknown;
  try {
    // All scalars as they are written (a version 1.10 is no number); the search for keys that come twice would be quadratic.
    document = parse(new TextDecoder('utf-8', { fatal: true }).decode(content), { schema: 'failsafe', maxAliasCount: maxAliases, uniqueKeys: false, logLevel: 'error' });
  } catch (cause) {
    throw refusal(`the ${file} is not valid YAML`, cause);
  }
  if (!isRecord(document)) throw refusal(`the ${file} is not a YAML mapping`);
  return document;
}

function text(project: Record<string, unknown>, key: string): string {
  const value = own(project, key);
  return typeof value === 'string' ? value.trim() : '';
}

/** `platforms` by name, or the `architectures` of older files: strings, or mappings with `build-on`. */
function architectures(project: Record<string, unknown>): string {
  const platforms = own(project, 'platforms');
  if (isRecord(platforms)) return Object.keys(platforms).slice(0, maxArchitectures).join(' ');
  const list = own(project, 'architectures');
  if (!Array.isArray(list)) return '';
  const names = list.slice(0, maxArchitectures).flatMap((item: unknown) => (isRecord(item) ? own(item, 'build-on') : item));
  return names.filter((name): name is string => typeof name === 'string').slice(0, maxArchitectures).join(' ');
}

function contacts(value: unknown): string {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item): item is string => typeof item === 'string').slice(0, 8).join(', ');
}
