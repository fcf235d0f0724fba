import type { ComposePlan, LinkedRepository } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import type { GenerationContext } from './generation-context.js';

/** A compose that points to repositories elsewhere; where there are none, to empty ones of its own, because its clients' `.repo` file must name something. */
export function planLinks({ log }: Pick<GenerationContext, 'log'>, { arches, packages, builds }: ComposeRequest, links: readonly LinkedRepository[]): ComposePlan {
  if (packages.length + builds.length > 0) log.warn('packages and builds have no effect: the compose is what the repositories of Pulp are');
  for (const { id, url } of links) log.info(`${id} is at ${url}`);
  const plan: ComposePlan = { version: 1, trees: [], sourceDate: 0, results: ['repository'], groups: [], modules: [] };
  if (links.length > 0) return { ...plan, links };
  log.warn('Pulp has none of the repositories: the compose is empty');
  return { ...plan, trees: [...arches].sort().map((arch) => ({ arch, packages: [], debuginfo: [], sources: [] })) };
}
