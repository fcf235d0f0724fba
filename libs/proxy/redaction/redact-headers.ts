import { LRUCache } from 'lru-cache';
import type { HeaderRecord } from '../../session/exchange.js';
import { redactUrl } from './redact-url.js';

const redacted = '[redacted]';
const maximumFields = 256;
const maximumValue = 8192;
const maximumTotal = 64 * 1024;

/** A part of a field name, between dashes, that makes its value a credential. */
const secretName =
  /(?:^|-)(?:authorization|cookie2?|token|tokens|secret|password|passwd|passphrase|credentials?|signature|macaroons?|otp|assertion|(?:api|access|auth|private|secret|subscription|functions|shared)-?key|key-?id|authentication-?info)(?:-|$)|(?:token|secret|password|apikey|cookie)$|^(?:x-auth|auth|x-amz-signature|x-api|x-jfrog-art-api|apikey|dpop|client-cert)$/;
/** Challenges say how to authenticate, not with what. */
const harmlessName = /^(?:www-authenticate|proxy-authenticate|access-control-.*)$/;
const urlName = /^(?:location|content-location|referer|refresh|origin|link|x-original-url|x-rewrite-url|destination)$/;

interface FieldRule {
  readonly name: string;
  readonly secret: boolean;
  readonly url: boolean;
}

const rules = new LRUCache<string, FieldRule>({ max: 1000 });

/**
 * Header fields for the record, from the flat list `[name, value, name, value, …]` in the order of arrival: canonical names (`Content-Type`), values
 * of credentials replaced by `[redacted]`, credentials in URLs replaced as `redactUrl` does. At most 256 fields and 64 KiB; longer values are cut.
 */
export function redactHeaders(rawHeaders: readonly string[]): HeaderRecord {
  const fields = new Map<string, string[]>();
  let total = 0;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const rule = ruleOf(rawHeaders[index] ?? '');
    const value = recordedValue(rule, rawHeaders[index + 1] ?? '');
    total += rule.name.length + value.length;
    if (index >= maximumFields * 2 || total > maximumTotal) {
      fields.set('Millrace-Truncated', [`${(rawHeaders.length - index) / 2} more fields`]);
      break;
    }
    const values = fields.get(rule.name);
    if (values === undefined) fields.set(rule.name, [value]);
    else values.push(value);
  }
  // fromEntries defines properties, so that a field named `__proto__` is only a field.
  return Object.fromEntries(fields);
}

/** `content-TYPE` becomes `Content-Type`, as Go and fetch-service write names. */
export function canonicalFieldName(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}

function ruleOf(rawName: string): FieldRule {
  const known = rules.get(rawName);
  if (known !== undefined) return known;
  const bounded = rawName.slice(0, 256);
  const lower = bounded.toLowerCase();
  const rule = { name: canonicalFieldName(bounded), secret: secretName.test(lower) && !harmlessName.test(lower), url: urlName.test(lower) };
  if (rawName.length <= 256) rules.set(rawName, rule);
  return rule;
}

function recordedValue(rule: FieldRule, value: string): string {
  if (rule.secret) return redacted;
  const clean = rule.url ? redactUrl(value) : value;
  return clean.length <= maximumValue ? clean : `${clean.slice(0, maximumValue)}…`;
}
