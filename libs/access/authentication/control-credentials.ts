import { createHash, timingSafeEqual } from 'node:crypto';

/** True when the header carries exactly `expected` (`user:password`). Digests are compared, so neither length nor prefix shows in the time taken. */
export function basicAuthMatches(header: string | undefined, expected: string): boolean {
  const match = /^basic +([A-Za-z0-9+/_=-]+) *$/i.exec(header ?? '');
  const given = match?.[1] === undefined ? '' : Buffer.from(match[1], 'base64').toString('utf8');
  const equal = equalSecrets(given, expected);
  return equal && given !== '';
}

export function equalSecrets(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}

/** Of `user:password`: the owner of what is opened with the control credentials. */
export function controlUser(controlAuth: string): string {
  return controlAuth.slice(0, controlAuth.indexOf(':'));
}
