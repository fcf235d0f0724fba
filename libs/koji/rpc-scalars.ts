import { refusal } from '../inspection/refusal.js';
import type { RpcValue } from './rpc-value.js';

const readers: Readonly<Record<string, (text: string) => RpcValue | undefined>> = {
  nil: () => null,
  boolean: (text) => (/^[01]$/.test(text.trim()) ? text.trim() === '1' : undefined),
  int: integer,
  i1: integer,
  i2: integer,
  i4: integer,
  i8: integer,
  double: (text) => (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text.trim()) ? finite(Number(text)) : undefined),
  string: (text) => text,
  base64: (text) => (/^[A-Za-z0-9+/\s]*[=\s]*$/.test(text) ? Buffer.from(text, 'base64') : undefined),
  'dateTime.iso8601': (text) => text.trim(),
};

export const scalarTypes: ReadonlySet<string> = new Set(Object.keys(readers));

/** The value of a scalar element. Throws a reason. */
export function readScalar(type: string, text: string): RpcValue {
  const value = readers[type]?.(text);
  if (value === undefined) throw refusal(`the XML-RPC document has the ${type} ${JSON.stringify(text.slice(0, 60))}`);
  return value;
}

/** Beyond 2^53 a number would silently be another one. */
function integer(text: string): number | undefined {
  const number = /^\s*[-+]?\d{1,20}\s*$/.test(text) ? Number(text) : undefined;
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

function finite(number: number): number | undefined {
  return Number.isFinite(number) ? number : undefined;
}
