import { refusal } from '../../inspection/refusal.js';
import { escapeAttribute, escapeText } from './escape-xml.js';
import { attribute, readXmlRecords, type RecordLimits, type XmlRecord } from './xml-records.js';

/** A `comps.xml`: groups of packages, and what is made of groups. Elements as they stand in the document, so that nothing is lost on the way through. */
export interface Comps {
  readonly groups: readonly CompsEntry[];
  readonly categories: readonly CompsEntry[];
  readonly environments: readonly CompsEntry[];
  /** `<match name="…" install="…"/>`: packages of languages. */
  readonly langpacks: readonly XmlRecord[];
}

export interface CompsEntry {
  readonly id: string;
  /** All but the id: names and descriptions in several languages, lists. */
  readonly elements: readonly XmlRecord[];
}

export interface CompsPackage {
  readonly name: string;
  readonly type: 'mandatory' | 'default' | 'optional' | 'conditional';
  /** Of conditional ones: the package that it comes with. */
  readonly requires?: string;
}

/** The largest known have some 200 groups of up to a thousand packages. */
const limits: RecordLimits = { records: 20_000, elements: 100_000, characters: 32 * 1024 * 1024, depth: 8, token: 1024 * 1024 };
const packageTypes = ['mandatory', 'default', 'optional', 'conditional'] as const;

/** Throws a reason for whatever is no sound `comps.xml`. */
export async function readComps(chunks: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<Comps> {
  const comps = { groups: [] as CompsEntry[], categories: [] as CompsEntry[], environments: [] as CompsEntry[], langpacks: [] as XmlRecord[] };
  for await (const record of readXmlRecords(chunks, { root: 'comps', limits, signal, allowDoctype: true })) {
    if (record.name === 'group') comps.groups.push(toEntry(record));
    if (record.name === 'category') comps.categories.push(toEntry(record));
    if (record.name === 'environment') comps.environments.push(toEntry(record));
    if (record.name === 'langpacks') comps.langpacks.push(...record.children.filter(({ name }) => name === 'match'));
  }
  return comps;
}

function toEntry(record: XmlRecord): CompsEntry {
  const ids = record.children.filter(({ name }) => name === 'id');
  const id = ids[0]?.text ?? '';
  if (ids.length !== 1 || id === '' || id.length > 1024) throw refusal(`the comps have a <${record.name}> without a valid id`);
  return { id, elements: record.children.filter(({ name }) => name !== 'id') };
}

/** Packages of a group; one without a type is mandatory. */
export function groupPackages(group: CompsEntry): readonly CompsPackage[] {
  const listed = group.elements.filter(({ name }) => name === 'packagelist').flatMap(({ children }) => children.filter(({ name }) => name === 'packagereq'));
  return listed.map((record) => {
    const requires = attribute(record, 'requires');
    return { name: record.text, type: packageTypes.find((type) => type === attribute(record, 'type')) ?? 'mandatory', ...(requires === undefined ? {} : { requires }) };
  });
}

/** Writes a whole document; the same bytes for the same comps. */
export function writeComps({ groups, categories, environments, langpacks }: Comps): string {
  const entries = (name: string, list: readonly CompsEntry[]): string =>
    list.map(({ id, elements }) => writeElement({ name, attributes: {}, text: '', children: [{ name: 'id', attributes: {}, text: id, children: [] }, ...elements] }, '  ')).join('');
  const languages = langpacks.length === 0 ? '' : writeElement({ name: 'langpacks', attributes: {}, text: '', children: langpacks }, '  ');
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">\n';
  return `${declaration}<comps>\n${entries('group', groups)}${entries('category', categories)}${entries('environment', environments)}${languages}</comps>\n`;
}

function writeElement({ name, attributes, text, children }: XmlRecord, indent: string): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeAttribute(value)}"`).join('');
  if (children.length > 0) return `${indent}<${name}${written}>\n${children.map((child) => writeElement(child, `${indent}  `)).join('')}${indent}</${name}>\n`;
  return text === '' ? `${indent}<${name}${written}/>\n` : `${indent}<${name}${written}>${escapeText(text)}</${name}>\n`;
}
