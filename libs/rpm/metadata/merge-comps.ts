import type { Comps, CompsEntry } from './comps.js';
import { attribute, type XmlRecord } from './xml-records.js';

/** Elements whose children are lists: of several documents each counts. */
const lists: ReadonlySet<string> = new Set(['packagelist', 'grouplist', 'optionlist']);

/**
 * Makes one of the comps of several repositories, the preferred first: of a group, category or environment that several have, names and settings are the
 * first's, and the lists are all of theirs. The order is that of the first appearance, so equal input gives equal output.
 */
export function mergeComps(documents: readonly Comps[]): Comps {
  return {
    groups: mergeEntries(documents.flatMap(({ groups }) => groups)),
    categories: mergeEntries(documents.flatMap(({ categories }) => categories)),
    environments: mergeEntries(documents.flatMap(({ environments }) => environments)),
    langpacks: firstOfEach(documents.flatMap(({ langpacks }) => langpacks), (match) => attribute(match, 'name') ?? ''),
  };
}

function mergeEntries(entries: readonly CompsEntry[]): readonly CompsEntry[] {
  return [...Map.groupBy(entries, ({ id }) => id)].map(([id, same]) => ({ id, elements: mergeElements(same) }));
}

function mergeElements(entries: readonly CompsEntry[]): readonly XmlRecord[] {
  const elements = entries.flatMap((entry) => entry.elements);
  return [...Map.groupBy(elements, elementKey).values()].map((same) => {
    const first = same[0] as XmlRecord;
    return lists.has(first.name) ? { ...first, children: firstOfEach(same.flatMap(({ children }) => children), ({ name, text }) => `${name} ${text}`) } : first;
  });
}

/** Names and descriptions are there once for each language. */
function elementKey(element: XmlRecord): string {
  return `${element.name} ${attribute(element, 'xml:lang') ?? ''}`;
}

function firstOfEach(records: readonly XmlRecord[], key: (record: XmlRecord) => string): readonly XmlRecord[] {
  const first = new Map<string, XmlRecord>();
  for (const record of records) if (!first.has(key(record))) first.set(key(record), record);
  return [...first.values()];
}
