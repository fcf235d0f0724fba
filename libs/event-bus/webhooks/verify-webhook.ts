import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { MillraceError } from '../../errors/millrace-error.js';
import { readSecret } from '../../settings-file/read-secret.js';
import { standardWebhook } from '../../settings-file/standard-webhook.js';
import type { Environment } from '../../settings/settings.js';
import type { WebhookBus } from '../bus-schema.js';

export interface WebhookRequest {
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** As it came: what is signed. */
  readonly body: Buffer;
}

/** Seconds, either way. */
const tolerance = 300;
const mostSignatures = 20;

type Verify = WebhookBus['verify'];

/** Any of the secrets will do, so that one can take the place of another; all are tried, whichever fits. Errors: `unauthorized`, `invalid-setting`. */
export async function verifyWebhook(verify: Verify, request: WebhookRequest, environment: Environment): Promise<void> {
  const secrets = await Promise.all(verify.secrets.map((place) => readSecret(place, environment)));
  const fitting = secrets.map((secret) => checks[verify.kind](secret, request, verify as never)).filter(Boolean);
  if (fitting.length === 0) throw unauthorizedWebhook();
}

/** Says the same of all that is wrong, and of a bus that is none. */
export function unauthorizedWebhook(): MillraceError {
  return new MillraceError('unauthorized', 'the webhook is not one that this service takes', { suggestion: 'Its bus must be a webhook of MILLRACE_COMPOSE_RULES, and it must be signed with a secret of that bus, within five minutes of now.' });
}

type Check<Kind extends Verify['kind']> = (secret: string, request: WebhookRequest, verify: Extract<Verify, { kind: Kind }>) => boolean;

const checks: { readonly [Kind in Verify['kind']]: Check<Kind> } = {
  // Not by the standard's own library, which hashes in JavaScript: whoever sends a mebibyte that is not signed would have it busy for 30 ms, with each secret.
  'standard-webhooks'(secret, { headers, body }) {
    const { 'webhook-id': id, 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures = '' } = headers;
    if (id === undefined || id === '' || !/^\d{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > tolerance) return false;
    standardWebhook(secret); // whatever stands in its file by now: of what is no base64, a key would be left that everybody knows
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    const expected = `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
    return signatures.split(' ', mostSignatures).filter((signature) => equal(signature, expected)).length > 0;
  },
  hmac(secret, { headers, body }, { header, prefix, algorithm }) {
    return equal(headers[header], prefix + createHmac(algorithm, secret).update(body).digest('hex'));
  },
  token(secret, { headers }, { header, prefix }) {
    return equal(headers[header], prefix + secret);
  },
};

/** Neither length nor prefix of what is expected shows in the time taken. */
function equal(given: string | undefined, expected: string): boolean {
  return timingSafeEqual(digest(given ?? ''), digest(expected)) && given !== undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
