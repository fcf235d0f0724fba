import { MillraceError } from '../../errors/millrace-error.js';
import type { KojiSource } from '../../koji/koji-source.js';

/** The hub of this process. Errors: `invalid-setting`. */
export function hubOf(koji: KojiSource | undefined): KojiSource {
  if (koji !== undefined) return koji;
  throw new MillraceError('invalid-setting', 'this compose has packages of a Koji hub, and this worker knows no hub', { suggestion: 'Set MILLRACE_KOJI_HUB on every gateway and worker alike.' });
}
