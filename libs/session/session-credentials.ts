import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** Bytes from here on are thrown away: taking them modulo 62 would make the first characters likelier. */
const unbiasedLimit = 256 - (256 % alphabet.length);
/** 143 bits. fetch-service's have 20 characters from a predictable generator. */
const tokenLength = 24;

/** 32 lower-case hex digits. */
export function makeSessionId(): string {
  return randomBytes(16).toString('hex');
}

/** 24 characters of [A-Za-z0-9]. `random` is a source of secure random bytes. */
export function makeSessionToken(random: (size: number) => Uint8Array = randomBytes): string {
  let token = '';
  while (token.length < tokenLength) {
    for (const byte of random(2 * tokenLength)) {
      if (byte < unbiasedLimit && token.length < tokenLength) token += alphabet.charAt(byte % alphabet.length);
    }
  }
  return token;
}

/** Lower-case hex SHA-256. */
export function tokenSha256(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** `sha256:<hex>`, as the record keeps it. */
export function tokenDigest(token: string): string {
  return `sha256:${tokenSha256(token)}`;
}

/** Compares in constant time with a digest of the form `sha256:<hex>`; false for a malformed digest. */
export function tokenMatches(token: string, digest: string): boolean {
  const given = Buffer.from(tokenDigest(token), 'latin1');
  const expected = Buffer.from(digest, 'latin1');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
