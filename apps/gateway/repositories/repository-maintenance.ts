import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { checkRepository } from '../../../libs/repository-checks/check-repository.js';
import { keepReport, readReport, readReportText } from '../../../libs/repository-checks/keep-report.js';
import { repairRepository, type RepairParts } from '../../../libs/repository-checks/repair-repository.js';
import type { RepositoryEngine } from '../../../libs/repository-engine/repository-engine.js';
import type { RepositoryReads } from '../../../libs/repository-record/repository-record.js';
import type { RepositoryMaintenance } from './repository-ports.js';

export interface MaintenanceParts extends RepairParts {
  readonly reads: RepairParts['reads'] & Pick<RepositoryReads, 'changes'>;
  readonly engine: Pick<RepositoryEngine, 'prune'>;
  /** Absolute path of the folder for what frontends show, one below it for each repository. */
  readonly outputRoot: string;
  /** Lets the workflow carry out changes that were recorded. */
  readonly changed: (name: string) => Promise<void>;
}

/** Changes that a report tells. */
const toldChanges = 50;

/** Done here for whoever waits for it; what a repository asks of itself is done by its workflow. Locks keep the two apart. */
export function createRepositoryMaintenance({ engine, outputRoot, changed, ...parts }: MaintenanceParts): Omit<RepositoryMaintenance, 'synchronise'> {
  const { reads, stores } = parts;
  const storeOf = async (name: string) => stores.open((await reads.get(name)).place);
  return {
    prune: (name, options) => engine.prune(name, options),
    async check(name, { deep, signal }) {
      const report = await checkRepository(parts, name, { depth: deep ? 'deep' : 'quick', signal });
      await keepReport(report, { store: await storeOf(name), outputDirectory: path.join(outputRoot, name), changes: await reads.changes(name, { limit: toldChanges }), signal });
      return report;
    },
    async repair(name, options) {
      const result = await repairRepository(parts, name, { ...options, depth: 'deep', runId: randomUUID() });
      if (result.changes.length > 0) await changed(name);
      return { ...result };
    },
    report: async (name) => readReport(await storeOf(name), AbortSignal.timeout(readMilliseconds)),
    reportText: async (name) => readReportText(await storeOf(name), AbortSignal.timeout(readMilliseconds)),
  };
}

const readMilliseconds = 8000;
