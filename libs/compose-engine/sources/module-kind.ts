import { hubOf } from './koji-hub-of.js';
import { kojiReasons } from './koji-reasons.js';
import { moduleReasons } from './module-reasons.js';
import { pinLookaside } from './pin-repositories.js';
import { pinModules } from './pin-modules.js';
import type { SourceKind } from './source-kind.js';

/** Modules and what they need, with the packages that Koji has of them. */
export const moduleKind: SourceKind = {
  missing: ({ koji }) => (koji === undefined ? 'a connection to a Koji hub (MILLRACE_KOJI_HUB), which has the packages of modules' : undefined),
  check: (request, options) => [...moduleReasons(request, options), ...kojiReasons(request)],
  async pin(parts, request, options) {
    const { contents, ...pinned } = await pinModules(parts, request, options);
    const koji = await hubOf(parts.koji).pin(pinned.request, options, contents);
    return { ...pinned, sources: [], lookaside: await pinLookaside(parts.source, request, options), koji, kojiEvent: koji.event };
  },
};
