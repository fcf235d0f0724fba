import type { SourceKind } from './source-kind.js';
import { hubOf } from './koji-hub-of.js';
import { pinLookaside } from './pin-repositories.js';
import { pinModules } from './pin-modules.js';

/** For all types with packages of a hub: what it has of the request, and of its modules. */
export const pinKoji: SourceKind['pin'] = async (parts, request, options) => {
  const { contents, ...pinned } = await pinModules(parts, request, options);
  const koji = await hubOf(parts.koji).pin(pinned.request, options, contents);
  return { ...pinned, sources: [], lookaside: await pinLookaside(parts.source, request, options), koji, kojiEvent: koji.event };
};
