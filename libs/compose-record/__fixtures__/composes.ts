import type { PinnedInputs } from '../../compose/compose-plan.js';
import type { ComposeRequest } from '../../compose/compose-request.js';
import { composeRequest as anyRequest } from '../../testing/compose-request.js';
import type { GeneratedTree } from '../../compose-engine/compose-engine.js';

/** A request for two packages of one repository, with what a spec changes. */
export function composeRequest(changes: Partial<ComposeRequest> = {}): ComposeRequest {
  return anyRequest({ source: ['https://packages.test/os'], packages: ['bash', 'zlib'], secondsToLive: 3600, ...changes });
}

/** What pinning finds when the repository has this content. */
export function pinnedInputs(request: ComposeRequest, content = 'a'): PinnedInputs {
  return {
    request,
    sources: request.source.map((url) => ({ url, arches: request.arches, revision: '1700000000', repomdSha256: content.repeat(64).slice(0, 64) })),
    lookaside: request.lookasideRepos.map((url) => ({ url, arches: request.arches, revision: '1', repomdSha256: 'b'.repeat(64) })),
    kojiEvent: 1_700_000_000,
  };
}

export function generatedTree(id: number, plan = 'c'): GeneratedTree {
  return { plan: plan.repeat(64).slice(0, 64), packages: 2, bytes: 4096, pungiComposeId: `odcs-${id}-1-20260102.t.0` };
}
