import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import { digestLengths } from './checksum-file.js';
import type { FileDigests } from './file-digests.js';
import type { Coordinates } from './pom.js';
import { checksumAlgorithms } from './repository-path.js';

/** Gradle module metadata, https://github.com/gradle/gradle/blob/master/platforms/documentation/docs/src/docs/design/gradle-module-metadata-latest-specification.md */
export interface GradleModule {
  readonly coordinates: Coordinates;
  /** Files of its variants: URL as written, relative to the document, and their digests. */
  readonly files: readonly { readonly url: string; readonly digests: FileDigests }[];
}

const maxVariants = 10_000;
const maxFiles = 20_000;
const maxText = 1024;

/** Reads a parsed document; throws a reason when it is no Gradle module metadata of format 1. */
export function readGradleModule(document: unknown): GradleModule {
  const format = isRecord(document) ? own(document, 'formatVersion') : undefined;
  if (!isRecord(document) || typeof format !== 'string' || !/^1\.\d{1,3}$/.test(format)) throw refusal('the document is no Gradle module metadata of format 1');
  const component = own(document, 'component');
  if (!isRecord(component)) throw refusal('the Gradle module metadata have no component');
  const coordinates = { group: textOf(component, 'group'), artifact: textOf(component, 'module'), version: textOf(component, 'version') };
  const variants = own(document, 'variants') ?? [];
  if (!Array.isArray(variants) || variants.length > maxVariants) throw refusal('the Gradle module metadata have no list of variants');
  const files = variants.flatMap((variant: unknown) => (isRecord(variant) ? listOf(own(variant, 'files')) : []));
  if (files.length > maxFiles) throw refusal(`the Gradle module metadata name more than ${maxFiles} files`);
  return { coordinates, files: files.map(readFile) };
}

function readFile(file: unknown): GradleModule['files'][number] {
  if (!isRecord(file)) throw refusal('the Gradle module metadata have a file that is no object');
  const digests = checksumAlgorithms.flatMap((algorithm) => {
    const digest = own(file, algorithm);
    if (digest === undefined) return [];
    // Some versions of Gradle left out leading zeros.
    const hex = typeof digest === 'string' ? digest.toLowerCase().padStart(digestLengths[algorithm], '0') : '';
    if (hex.length !== digestLengths[algorithm] || !/^[0-9a-f]+$/.test(hex)) throw refusal(`the Gradle module metadata have a ${algorithm} digest that is none`);
    return [[algorithm, hex] as const];
  });
  return { url: textOf(file, 'url'), digests: Object.fromEntries(digests) };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function textOf(record: Record<string, unknown>, key: string): string {
  const value = own(record, key);
  if (typeof value !== 'string' || value === '' || value.length > maxText) throw refusal(`the Gradle module metadata have no valid ${JSON.stringify(key)}`);
  return value;
}
