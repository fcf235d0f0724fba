import { kojiReasons } from './koji-reasons.js';
import { moduleReasons } from './module-reasons.js';
import { pinKoji } from './pin-koji.js';
import type { SourceKind } from './source-kind.js';

/** Modules and what they need, with the packages that Koji has of them. */
export const moduleKind: SourceKind = {
  missing: ({ koji }) => (koji === undefined ? 'a connection to a Koji hub (MILLRACE_KOJI_HUB), which has the packages of modules' : undefined),
  check: (request, options) => [...moduleReasons(request, options), ...kojiReasons(request)],
  pin: pinKoji,
};
