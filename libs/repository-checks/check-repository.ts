import { checkDependencies } from './check-dependencies.js';
import { checkIndex } from './check-index.js';
import { checkObjects } from './check-objects.js';
import type { CheckOptions, CheckParts } from './check-parts.js';
import { collectFindings } from './collect-findings.js';
import type { CheckReport } from './finding.js';

/**
 * Looks at all that a repository is: its index, its objects, what its packages need. Changes nothing, may run while the repository is published to, and takes memory for
 * the names of its packages, never for their bytes. Errors: `repository-not-found`, those of the store and of the database.
 */
export async function checkRepository(parts: CheckParts, name: string, options: CheckOptions): Promise<CheckReport> {
  const now = parts.now ?? Date.now;
  const startedAt = new Date(now());
  const repository = await parts.reads.get(name);
  const { kind } = repository;
  const store = parts.stores.open(repository.place);
  const findings = collectFindings();
  const index = await checkIndex(parts, name, { store, signal: options.signal });
  for (const finding of index.findings) findings.add(finding);
  const { state } = index;
  const seen = await checkObjects(parts, { repository, state, store, startedAt: startedAt.getTime(), findings }, options);
  await checkDependencies(parts, { name, kind, state, findings }, options);
  return {
    repository: name,
    kind,
    state,
    depth: options.depth,
    startedAt: startedAt.toISOString(),
    endedAt: new Date(now()).toISOString(),
    packages: seen.packages,
    objects: seen.objects,
    bytesRead: index.bytesRead + seen.bytesRead,
    counts: findings.counts(),
    findings: findings.findings(),
  };
}
