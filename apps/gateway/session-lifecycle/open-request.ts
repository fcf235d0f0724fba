import { z } from 'zod';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { InspectorsConfiguration, SessionPolicy } from '../../../libs/policy/session-policy.js';
import { policyText } from '../../../libs/policy/record-policy-documents.js';
import type { SessionSecret } from '../../../libs/session/session-secrets.js';
import { parseSessionSecrets } from '../../../libs/session/parse-session-secrets.js';
import { validate } from '../http/parse-json-body.js';

export const defaultTimeoutSeconds = 21_600;
export const maximumTimeoutSeconds = 30 * 24 * 3600;

/** Body of both ways to open a session. `policy` is any string for fetch-service's sake, `secrets` is judged with its words by `parseSessionSecrets`. */
export const openSessionBody = z.object({
  policy: z.string().nullish().describe('`permissive`, where the service allows it; anything else, or nothing, is strict.'),
  timeout: z.int().min(0).max(maximumTimeoutSeconds).nullish().describe('Seconds from opening until the session expires; 0 or absent: 21600.'),
  secrets: z.unknown().optional().describe('Credentials that the proxy injects into requests whose normalised URL matches; the first match wins.'),
  'inspectors-configuration': z.record(z.string(), z.unknown()).nullish().describe('Overrides the configuration of inspectors for this session.'),
  'policy-document': z.union([z.string(), z.record(z.string(), z.unknown())]).nullish().describe('The policy document of this session: an object, or its text in YAML or JSON; see policy.schema.json.'),
  retain: z.boolean().nullish().describe('Keep the record when the session ends or expires.'),
});

export interface OpenRequest {
  readonly policy: SessionPolicy;
  readonly timeoutSeconds: number;
  readonly secrets: readonly SessionSecret[];
  readonly inspectorsConfiguration: InspectorsConfiguration;
  readonly retain: boolean;
  /** Text; judged when the session is opened. */
  readonly policyDocument?: string;
}

/** Errors: `invalid-request`, `invalid-policy-document` (too large), `invalid-policy` (`Invalid session policy`), `invalid-secret` (`Invalid secret: …`). */
export function readOpenRequest(body: unknown, permissiveAllowed: boolean): OpenRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new MillraceError('invalid-request', 'invalid request: the body must be a JSON object');
  }
  const fields = validate(openSessionBody, body);
  if (fields.policy === 'permissive' && !permissiveAllowed) {
    throw new MillraceError('invalid-policy', 'Invalid session policy', { suggestion: 'Ask for strict, or start the service with MILLRACE_PERMISSIVE=1.' });
  }
  const document = fields['policy-document'] ?? undefined;
  return {
    ...(document === undefined ? {} : { policyDocument: policyText(document) }),
    policy: fields.policy === 'permissive' ? 'permissive' : 'strict',
    timeoutSeconds: fields.timeout === 0 ? defaultTimeoutSeconds : (fields.timeout ?? defaultTimeoutSeconds),
    secrets: parseSessionSecrets(fields.secrets ?? undefined),
    inspectorsConfiguration: fields['inspectors-configuration'] ?? {},
    retain: fields.retain ?? false,
  };
}
