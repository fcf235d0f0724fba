import { limitExceeded, refusal } from './refusal.js';

export interface JsonLimits {
  /** Nesting of objects and arrays. */
  readonly depth?: number;
  /** Objects and arrays in all: a small text of `[],[],…` else becomes gigabytes of heap. */
  readonly containers?: number;
  /** Commas in all: about the number of values. */
  readonly values?: number;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Parses hostile JSON whose size the caller has bounded. Throws a reason for bad UTF-8, bad JSON and whatever passes a limit. */
export function parseBoundedJson(bytes: Buffer, limits: JsonLimits = {}): unknown {
  checkShape(bytes, { depth: limits.depth ?? 64, containers: limits.containers ?? 2_000_000, values: limits.values ?? 8_000_000 });
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw refusal('the JSON document is not valid UTF-8', cause);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw refusal('the document is not valid JSON', cause);
  }
}

const quote = 0x22;
const backslash = 0x5c;

/** One pass over the bytes before anything is built from them. */
function checkShape(bytes: Buffer, limits: Required<JsonLimits>): void {
  let depth = 0;
  let containers = 0;
  let commas = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === quote) {
      index = endOfString(bytes, index + 1);
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      containers += 1;
      if (depth > limits.depth) throw limitExceeded(`the JSON document is nested deeper than ${limits.depth} levels`);
      if (containers > limits.containers) throw limitExceeded(`the JSON document has more than ${limits.containers} objects and arrays`);
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
    } else if (byte === 0x2c) {
      commas += 1;
      if (commas > limits.values) throw limitExceeded(`the JSON document has more than ${limits.values} values`);
    }
  }
}

/** Index of the closing quote, or of the end. Uses the native search: most bytes of a document are in strings. */
function endOfString(bytes: Buffer, start: number): number {
  let from = start;
  for (;;) {
    const end = bytes.indexOf(quote, from);
    if (end < 0) return bytes.length;
    let escapes = 0;
    while (end - 1 - escapes >= start && bytes[end - 1 - escapes] === backslash) escapes += 1;
    if (escapes % 2 === 0) return end;
    from = end + 1;
  }
}

/** A plain object, not an array or null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The own property of a parsed document: never one of the prototype. */
export function own(record: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
