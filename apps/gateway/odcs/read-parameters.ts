import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { QueryParameters } from './read-compose-query.js';

const largestId = 999_999_999_999_999;
const longestWait = 60;

/** Errors: `compose-not-found` for what is no id at all, as for one that nobody has. */
export function readComposeId(text: string): number {
  const id = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (id < 1 || id > largestId) throw new MillraceError('compose-not-found', 'No such compose found.');
  return id;
}

/** Seconds that the client is ready to wait, at most 60; 0 when it does not say. Errors: `invalid-request`. */
export function readWait(value: QueryParameters[string]): number {
  const text = typeof value === 'string' || value === undefined ? value : value[0];
  if (text === undefined || text === '') return 0;
  if (!/^\d{1,9}(?:\.\d{1,3})?$/.test(text)) throw new MillraceError('invalid-request', `wait should be a number of seconds, at most ${longestWait}`);
  return Math.min(Number(text), longestWait);
}
