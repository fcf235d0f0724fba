import type { SessionPolicy } from '../../policy/session-policy.js';
import type { BodyFraming } from '../http1/message-head.js';

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
