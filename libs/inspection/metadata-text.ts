import type { JsonValue } from './inspection.js';

/** Bytes of UTF-8 that one metadata string may have. */
export const metadataTextLimit = 4096;

const loneSurrogate = /\p{Surrogate}/gu;
const nul = /\0/g;

/**
 * A string from a hostile file as it may be stored: without NUL (PostgreSQL refuses it) and lone surrogates (not UTF-8), and
 * at most `limit` bytes of UTF-8, cut between characters. Anything but a string becomes the empty string.
 */
export function boundedText(value: unknown, limit: number = metadataTextLimit): string {
  if (typeof value !== 'string') return '';
  // The first cut keeps the cost bounded whatever the length; removing may only shorten further.
  const clean = value
    .slice(0, limit * 2)
    .replace(nul, '')
    .replace(loneSurrogate, '');
  if (Buffer.byteLength(clean) <= limit) return clean;
  const bytes = Buffer.from(clean);
  let end = limit;
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

const maxAnnotations = 32;
const maxItems = 64;

/** Annotations bounded in number, depth (4) and the length of each string (1 KiB). */
export function boundedAnnotations(annotations: Readonly<Record<string, JsonValue>>): Record<string, JsonValue> {
  return boundedRecord(annotations, maxAnnotations, 4);
}

function boundedRecord(record: Readonly<Record<string, JsonValue>>, items: number, depth: number): Record<string, JsonValue> {
  return Object.fromEntries(
    Object.entries(record)
      .slice(0, items)
      .map(([key, value]) => [boundedText(key, 256), boundedValue(value, depth)]),
  );
}

function boundedValue(value: JsonValue, depth: number): JsonValue {
  if (typeof value === 'string') return boundedText(value, 1024);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return null;
  if (isArray(value)) return value.slice(0, maxItems).map((item) => boundedValue(item, depth - 1));
  return boundedRecord(value, maxItems, depth - 1);
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
