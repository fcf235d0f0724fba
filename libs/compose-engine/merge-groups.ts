import { escapeAttribute, escapeText } from '../rpm/metadata/escape-xml.js';
import { readXmlRecords, type XmlRecord } from '../rpm/metadata/xml-records.js';
import { once } from './plan-documents.js';

/** Lists whose items are put together; of everything else the first document's word stands. */
const lists: ReadonlySet<string> = new Set(['packagelist', 'grouplist', 'optionlist']);

/**
 * Puts the comps (package groups) of several repositories together: groups, categories and environments of the same id become one. Errors: `invalid-request`
 * for documents that are no comps.
 */
export async function mergeGroups(documents: readonly Buffer[]): Promise<Buffer> {
  const [only] = documents;
  if (documents.length === 1 && only !== undefined) return only;
  const merged = new Map<string, XmlRecord>();
  for (const document of documents) {
    for await (const record of readXmlRecords(once(document), { root: 'comps' })) {
      const key = `${record.name} ${record.children.find(({ name }) => name === 'id')?.text ?? ''}`;
      const before = merged.get(key);
      merged.set(key, before === undefined ? record : mergeRecords(before, record));
    }
  }
  const records = [...merged.values()].map((record) => render(record, 1));
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<comps>\n${records.join('')}</comps>\n`);
}

function mergeRecords(one: XmlRecord, other: XmlRecord): XmlRecord {
  // Language packs have their items directly below.
  if (one.name === 'langpacks') return { ...one, children: mergeItems(one.children, other.children) };
  const children = one.children.map((child) => {
    const same = lists.has(child.name) ? other.children.find(({ name }) => name === child.name) : undefined;
    return same === undefined ? child : { ...child, children: mergeItems(child.children, same.children) };
  });
  const added = other.children.filter(({ name }) => lists.has(name) && !one.children.some((child) => child.name === name));
  return { ...one, children: [...children, ...added] };
}

function mergeItems(some: readonly XmlRecord[], more: readonly XmlRecord[]): XmlRecord[] {
  const key = (item: XmlRecord) => (item.text === '' ? JSON.stringify(item.attributes) : item.text);
  const known = new Set(some.map(key));
  return [...some, ...more.filter((item) => !known.has(key(item)))];
}

function render(record: XmlRecord, depth: number): string {
  const indent = '  '.repeat(depth);
  const attributes = Object.entries(record.attributes).map(([name, value]) => ` ${name}="${escapeAttribute(value)}"`);
  const open = `${indent}<${record.name}${attributes.join('')}`;
  if (record.children.length === 0) return record.text === '' ? `${open}/>\n` : `${open}>${escapeText(record.text)}</${record.name}>\n`;
  return `${open}>\n${record.children.map((child) => render(child, depth + 1)).join('')}${indent}</${record.name}>\n`;
}
