import { refusal } from '../../inspection/refusal.js';
import type { GemId } from './gem-id.js';
import { isGemName, isGemPlatform, isGemVersion } from './gem-id.js';
import { MarshalReader, type MarshalValue } from './marshal-reader.js';

const limits = { depth: 32, values: 100_000, keepsLinks: true };
/** Places in what a specification dumps of itself. */
const places = { name: 2, version: 3, originalPlatform: 8, platform: 16 } as const;

/**
 * The release that an abbreviated specification (`quick/Marshal.4.8/….gemspec`, uncompressed) is of. Throws the reason for a document
 * that is none, or that holds anything a specification is not made of.
 */
export function readGemspec(bytes: Buffer): GemId {
  const outer = new MarshalReader(bytes, limits).readDocument();
  if (!isObject(outer) || !('dumpedBy' in outer) || outer.dumpedBy !== 'Gem::Specification') throw refusal('the document is not a gem specification');
  const values = new MarshalReader(outer.bytes, limits).readDocument();
  if (!Array.isArray(values)) throw refusal('the gem specification is not what RubyGems dumps');
  const dumped = values as readonly MarshalValue[];
  const name = dumped[places.name];
  const version = versionOf(dumped[places.version]);
  const platform = platformOf(dumped[places.platform]) ?? platformOf(dumped[places.originalPlatform]) ?? 'ruby';
  if (typeof name !== 'string' || !isGemName(name) || version === undefined || !isGemVersion(version) || !isGemPlatform(platform))
    throw refusal('the gem specification has no valid name, version and platform');
  return { name, version, platform };
}

/** The text of a dumped `Gem::Version`; undefined for anything else. */
export function versionOf(value: MarshalValue | undefined): string | undefined {
  if (!isObject(value) || !('className' in value) || value.className !== 'Gem::Version') return undefined;
  const dumped = value.fields.get('dumped');
  const text = Array.isArray(dumped) ? (dumped as readonly MarshalValue[])[0] : value.fields.get('@version');
  return typeof text === 'string' ? text : undefined;
}

function platformOf(value: MarshalValue | undefined): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  if (!isObject(value) || !('className' in value) || value.className !== 'Gem::Platform') return undefined;
  const parts = ['@cpu', '@os', '@version'].map((key) => value.fields.get(key)).filter((part) => typeof part === 'string' || typeof part === 'number');
  return parts.length === 0 ? undefined : parts.join('-');
}

function isObject(value: MarshalValue | undefined): value is Exclude<MarshalValue, null | boolean | number | string | readonly MarshalValue[]> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
