import type { PinnedInputs } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import type { SourceOptions } from '../repository-source/repository-source.js';
import { sourceKinds } from './sources/source-kinds.js';
import type { PinningParts } from './sources/source-kind.js';

/** Fetches what pins the sources of a request: every `repomd.xml`, and what else its source type has. Errors: those of `ComposeEngine.pin`. */
export async function pinSources(parts: PinningParts, request: ComposeRequest, options: SourceOptions): Promise<PinnedInputs> {
  const kind = sourceKinds[request.sourceType];
  // A renewal has the packages of its plan, wherever the sources are by now.
  if (request.pinnedPlan !== null && kind.pinsAnew !== true) return { request, sources: [], lookaside: [], kojiEvent: request.kojiEvent };
  return kind.pin(parts, request, options);
}
