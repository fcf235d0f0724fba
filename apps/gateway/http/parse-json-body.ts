import type { ZodType } from 'zod';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

/**
 * Bodies arrive as bytes: clients of fetch-service send JSON under any media type, and some send none at all.
 * Errors: `invalid-request` with a reason that names the field.
 */
export function parseJsonBody(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) {
    throw new MillraceError('invalid-request', 'invalid JSON: the body is empty', { suggestion: 'Send a JSON object as the request body.' });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    // The parser's own message quotes the body, which may hold a token or a credential.
    throw new MillraceError('invalid-request', 'invalid JSON: the body cannot be parsed', { suggestion: 'Send one well-formed JSON object in UTF-8.' });
  }
}

/** Errors: `invalid-request` that names every wrong field, never its value. */
export function validate<Output>(schema: ZodType<Output>, value: unknown): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => (issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`));
  throw new MillraceError('invalid-request', problems.join('; '));
}
