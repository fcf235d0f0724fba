import { z } from 'zod';

const byteUnits: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
const timeUnits: Readonly<Record<string, number>> = { '': 1, s: 1, seconds: 1, second: 1, min: 60, minutes: 60, minute: 60, h: 3600, hours: 3600, hour: 3600, d: 86_400, days: 86_400, day: 86_400 };

/** Bytes: a number, or text such as `20 GiB` or `1.5 TB`. */
export const byteSize = quantity(byteUnits, 'must be a number of bytes greater than 0, such as 20 GiB');
/** Seconds: a number, or text such as `2 hours` or `90 days`. */
export const duration = quantity(timeUnits, 'must be a time in seconds greater than 0, such as 2 hours');

function quantity(units: Readonly<Record<string, number>>, message: string): z.ZodType<number, number | string> {
  return z
    .union([z.number(), z.string().max(50)], { error: message })
    .transform((value) => (typeof value === 'number' ? value : valueOf(value, units)))
    .refine((value) => Number.isSafeInteger(value) && value > 0, message);
}

function valueOf(text: string, units: Readonly<Record<string, number>>): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text) ?? [];
  return number === undefined || !Object.hasOwn(units, unit!) ? NaN : Math.floor(Number(number) * units[unit!]!);
}
