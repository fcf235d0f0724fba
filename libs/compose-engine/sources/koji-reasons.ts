import type { ComposeRequest } from '../../compose/compose-request.js';
import { mostBuilds } from './source-kind.js';

/** What all types with packages of a hub have in common. */
export function kojiReasons({ builds, scratchBuildTasks }: ComposeRequest): string[] {
  const reasons = builds.length > mostBuilds ? [`builds names ${builds.length} builds; ${mostBuilds} are the most that one compose takes`] : [];
  if (scratchBuildTasks.length > 0) reasons.push('scratch_build_tasks are not supported by this service yet');
  return reasons;
}
