import type { SessionPolicy } from '../../policy/session-policy.js';
import type { BodyFraming, RawFields } from '../http1/message-head.js';

/**
 * What happens to a response body on its way to the build.
 * - `stream`: passes through while it is hashed (permissive, and all that has no body).
 * - `hold`: at rest until the verdict (strict, success).
 * - `withhold`: hashed and recorded, but the build gets status and fields with an empty body (strict, redirects and errors: a
 *   body that no inspector judges must not be a way into the build).
 */
export type ResponseTreatment = 'stream' | 'hold' | 'withhold';

export function responseTreatment(policy: SessionPolicy, status: number, framing: BodyFraming): ResponseTreatment {
  if (policy === 'permissive') return 'stream';
  // 304 means that the build uses bytes this session never saw; conditional fields are removed, so an origin that sends it is wrong.
  if (status === 304 || (status >= 200 && status < 300)) return 'hold';
  return framing.kind === 'none' ? 'stream' : 'withhold';
}

/** The record keeps so much of a head, see `redactHeaders`. */
const recordedValue = 8192;
const recordedFields = 64 * 1024;

/** Whether the record will hold all of these fields: in strict a head must not carry more into a build than is recorded. */
export function fitsRecord(fields: RawFields): boolean {
  return fields.reduce((total, part) => total + part.length, 0) <= recordedFields && fields.every((part) => part.length <= recordedValue);
}
