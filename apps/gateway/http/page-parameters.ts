import { z } from 'zod';

/** Of queries for pages, as text; how many items at most. */
export const pageLimit = z
  .string()
  .regex(/^\d{1,3}$/, 'must be an integer from 1 to 500')
  .transform(Number)
  .pipe(z.int().min(1).max(500))
  .default(100);

/** Of pages of what has numbers. */
export const numberCursor = z.string().regex(/^\d{1,15}$/, 'must be the nextCursor of a page').describe('`nextCursor` of the page before; opaque.');

/** Of every page. */
export const nextCursor = z.string().nullable().describe('Pass it as `cursor` for the next page; null on the last.');
