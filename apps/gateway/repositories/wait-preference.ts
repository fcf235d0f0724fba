import { MillraceError } from '../../../libs/errors/millrace-error.js';

/** Seconds. */
const longest = 600;
/** Milliseconds that are waited where nobody says how long: most changes are done by then, and no client has given up. */
const usual = 4000;

/** `Prefer: wait=N` (RFC 7240), in milliseconds; 0: answer at once. Errors: `invalid-request`. */
export function waitPreference(header: string | readonly string[] | undefined): number {
  const preference = (typeof header === 'string' ? header : (header ?? []).join(',')).split(',').map((each) => each.trim()).find((each) => /^wait\s*=/i.test(each));
  if (preference === undefined) return usual;
  const text = /^wait\s*=\s*"?(\d{1,6})"?$/i.exec(preference)?.[1];
  if (text === undefined) throw new MillraceError('invalid-request', 'Prefer: wait must be a whole number of seconds');
  return Math.min(Number(text), longest) * 1000;
}
