import { MillraceError } from '../../errors/millrace-error.js';
import type { Fields } from './check-fields.js';

/** Items of a list, without repetitions and in the client's order; one item may name several, with spaces between, as in ODCS. */
export function listOf(fields: Fields, name: string): readonly string[] {
  const items = (fields[name] ?? []) as readonly string[];
  return [...new Set(items.flatMap((item) => item.split(/\s+/)).filter((item) => item !== ''))];
}

/** The empty string among them has a meaning (unsigned packages are fine), and so has their order. */
export function sigkeysOf(fields: Fields): readonly string[] | undefined {
  if (fields['sigkeys'] === undefined) return undefined;
  return [...new Set((fields['sigkeys'] as readonly string[]).flatMap((key) => key.split(' ')))];
}

export function textOf(fields: Fields, name: string): string | null {
  const text = fields[name];
  return typeof text === 'string' && text !== '' ? text : null;
}

export function numberOf(fields: Fields, name: string): number | null {
  return (fields[name] as number | undefined) ?? null;
}

/** Each a key of `known`. Errors: `invalid-request`. */
export function namesOf<Name extends string>(fields: Fields, field: string, known: Readonly<Record<Name, number>>, what: string): readonly Name[] {
  return listOf(fields, field).map((name) => {
    if (Object.hasOwn(known, name)) return name as Name;
    throw new MillraceError('invalid-request', `Unknown ${what} "${name}"`, { suggestion: `${field} may hold: ${Object.keys(known).join(', ')}.` });
  });
}

/**
 * `seconds_to_live`, a number, or `seconds-to-live`, a number or its text as the command line of ODCS sends it. Undefined: the service's default.
 * Errors: `invalid-request`.
 */
export function secondsToLiveOf(fields: Fields, maximum: number): number | undefined {
  const given = fields['seconds_to_live'] ?? fields['seconds-to-live'];
  if (given === undefined || given === '') return undefined;
  const seconds = typeof given === 'string' && /^\s*\d{1,15}\s*$/.test(given) ? Number(given) : given;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) throw new MillraceError('invalid-request', 'seconds-to-live should be a number of seconds, and not negative');
  return seconds === 0 ? undefined : Math.min(Math.trunc(seconds), maximum);
}
