import { refusal } from '../../inspection/refusal.js';
import type { PackageIdentity } from '../package/package-details.js';
import { attribute, childText, onlyChild, readXmlRecords, wholeNumber, type RecordLimits, type XmlRecord } from './xml-records.js';

/** One advisory of an `updateinfo.xml`. */
export interface Advisory {
  readonly id: string;
  /** `security`, `bugfix`, `enhancement`, `newpackage`, or what else the distribution says. */
  readonly type: string;
  readonly status: string;
  readonly title: string;
  readonly severity: string;
  readonly description: string;
  /** As in the document: `2024-01-31 12:00:00`, or seconds since 1970. */
  readonly issued: string;
  readonly updated: string;
  readonly references: readonly { readonly type: string; readonly id: string; readonly url: string; readonly title: string }[];
  readonly packages: readonly AdvisoryPackage[];
}

export interface AdvisoryPackage extends PackageIdentity {
  readonly fileName: string;
}

/** The largest known have some 20,000 advisories, of up to a few thousand packages. */
const limits: RecordLimits = { records: 500_000, elements: 200_000, characters: 32 * 1024 * 1024, depth: 12, token: 4 * 1024 * 1024 };

/** Streams all advisories. Throws a reason for whatever is no sound `updateinfo.xml`. */
export async function* readUpdateinfo(chunks: AsyncIterable<Buffer>, signal?: AbortSignal): AsyncGenerator<Advisory, void> {
  for await (const record of readXmlRecords(chunks, { root: 'updates', limits, signal })) {
    if (record.name === 'update') yield parseAdvisory(record);
  }
}

function parseAdvisory(record: XmlRecord): Advisory {
  const id = childText(record, 'id');
  if (id === '' || id.length > 1024) throw refusal('the updateinfo has an advisory without a valid id');
  const references = onlyChild(record, 'references')?.children.filter(({ name }) => name === 'reference') ?? [];
  const collections = onlyChild(record, 'pkglist')?.children.filter(({ name }) => name === 'collection') ?? [];
  return {
    id,
    type: attribute(record, 'type') ?? '',
    status: attribute(record, 'status') ?? '',
    title: childText(record, 'title'),
    severity: childText(record, 'severity'),
    description: childText(record, 'description'),
    issued: attribute(onlyChild(record, 'issued'), 'date') ?? '',
    updated: attribute(onlyChild(record, 'updated'), 'date') ?? '',
    references: references.map((each) => ({ type: attribute(each, 'type') ?? '', id: attribute(each, 'id') ?? '', url: attribute(each, 'href') ?? '', title: attribute(each, 'title') ?? '' })),
    packages: collections.flatMap(({ children }) => children.filter(({ name }) => name === 'package').map((each) => parsePackage(each, id))),
  };
}

function parsePackage(record: XmlRecord, advisory: string): AdvisoryPackage {
  const part = (name: string): string => attribute(record, name) ?? '';
  const identity = { name: part('name'), epoch: wholeNumber(attribute(record, 'epoch')) ?? 0, version: part('version'), release: part('release'), arch: part('arch') };
  if (identity.name === '' || identity.version === '') throw refusal(`the advisory ${JSON.stringify(advisory.slice(0, 120))} has a package without name and version`);
  return { ...identity, fileName: childText(record, 'filename') };
}
