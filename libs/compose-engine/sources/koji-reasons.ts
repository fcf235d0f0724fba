import type { ComposeRequest } from '../../compose/compose-request.js';
import { scratchReasons } from './scratch-reasons.js';
import { mostBuilds } from './source-kind.js';

/** What all types with packages of a hub have in common. */
export function kojiReasons({ builds, scratchBuildTasks }: ComposeRequest): string[] {
  const tooMany = builds.length > mostBuilds ? [`builds names ${builds.length} builds; ${mostBuilds} are the most that one compose takes`] : [];
  return [...tooMany, ...scratchReasons(scratchBuildTasks)];
}
