import type { EntryName } from '../cache/cache-entry.js';
import { MillraceError } from '../errors/millrace-error.js';

export type AssetKind = 'blob' | 'directory';

/** As the messages of the Remote Asset API have them. */
export interface Qualifier {
  readonly name: string;
  readonly value: string;
}

/** What a request names: each URI is a name of its own for the same content, and the exact set of qualifiers belongs to every one of them. */
export interface AssetRequest {
  readonly instance: string;
  readonly kind: AssetKind;
  readonly uris: readonly string[];
  readonly qualifiers: readonly Qualifier[];
}

/** No client that is known comes near these: BuildStream sends two URIs and no qualifiers, Bazel a handful of both. */
export const assetLimits = { uris: 64, uriLength: 2048, qualifiers: 64, nameLength: 256, valueLength: 4096, references: 20_000 } as const;

/** Names of entries, in the order of the URIs, each once. Errors: `invalid-request`, also for no URI at all, which clients ask with to learn whether assets are served. */
export function assetNames({ instance, kind, uris, qualifiers }: AssetRequest): readonly EntryName[] {
  if (uris.length === 0) throw invalid('uris is empty: an asset is asked for by at least one URI');
  if (uris.length > assetLimits.uris) throw invalid(`${uris.length} URIs: at most ${assetLimits.uris} may name one asset`);
  const set = qualifierSet(qualifiers);
  return [...new Set(uris)].map((uri) => ({ instance, kind, key: checkedUri(uri), qualifiers: set }));
}

function qualifierSet(qualifiers: readonly Qualifier[]): Readonly<Record<string, string>> {
  if (qualifiers.length > assetLimits.qualifiers) throw invalid(`${qualifiers.length} qualifiers: at most ${assetLimits.qualifiers} may be given`);
  const sorted = [...qualifiers].sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const [index, { name, value }] of sorted.entries()) {
    if (name === '' || !isPlain(name, assetLimits.nameLength)) throw invalid(`a qualifier's name has 1 to ${assetLimits.nameLength} characters, none of them a control character`);
    if (!isPlain(value, assetLimits.valueLength)) throw invalid(`the value of the qualifier ${name} has more than ${assetLimits.valueLength} characters, or a control character`);
    if (sorted[index + 1]?.name === name) throw invalid(`the qualifier ${name} is given twice`);
  }
  return Object.fromEntries(sorted.map(({ name, value }) => [name, value]));
}

function checkedUri(uri: string): string {
  if (uri === '' || !isPlain(uri, assetLimits.uriLength)) throw invalid(`a URI of an asset has 1 to ${assetLimits.uriLength} characters, none of them a control character`);
  return uri;
}

function isPlain(text: string, length: number): boolean {
  return text.length <= length && !/\p{Cc}/u.test(text);
}

function invalid(message: string): MillraceError {
  return new MillraceError('invalid-request', message);
}
