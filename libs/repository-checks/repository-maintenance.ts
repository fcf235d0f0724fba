import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';
import { createExistingPlaces } from '../repository-import/existing-places.js';
import { existingRepositoryReaders } from '../repository-import/read-existing.js';
import { synchroniseRepository, type SynchroniseOptions, type SynchroniseParts, type SynchroniseResult } from '../repository-import/synchronise.js';
import { createSourceClient } from '../repository-source/repository-source.js';
import { sourceLimits } from '../repository-source/source-limits.js';
import type { RepositoryReads } from '../repository-record/repository-record.js';
import type { Settings } from '../settings/settings.js';
import { checkRepository } from './check-repository.js';
import type { CheckOptions } from './check-parts.js';
import type { CheckReport } from './finding.js';
import { keepReport, readReport, readReportText } from './keep-report.js';
import { repairRepository, type RepairOptions, type RepairParts, type RepairResult } from './repair-repository.js';

export interface MaintenanceParts extends RepairParts, Pick<SynchroniseParts, 'engine' | 'inspection' | 'onRequested'> {
  readonly commands: RepairParts['commands'] & SynchroniseParts['commands'];
  readonly reads: RepairParts['reads'] & SynchroniseParts['reads'] & Pick<RepositoryReads, 'changes'>;
  readonly settings: Pick<Settings, 'home' | 'packageBytes' | 'composeSourcePaths' | 'composeAllowDestinations' | 'forbiddenPorts' | 'upstreamProxy' | 'upstreamNoProxy' | 'upstreamCa'>;
  /** Absolute path of a folder for work files. */
  readonly workRoot: string;
  /** Of Millrace; upstreams see it as `millrace/<version>`. */
  readonly version: string;
}

export type Checking = Pick<CheckOptions, 'signal' | 'onProgress'> & { readonly deep?: boolean };
export type Repairing = Pick<RepairOptions, 'signal' | 'onProgress' | 'by' | 'dryRun' | 'force'> & { readonly deep?: boolean };
export type Synchronising = Pick<SynchroniseOptions, 'signal' | 'onProgress' | 'by' | 'dryRun' | 'force'>;

/** What is done to a repository besides changes of its list, by the clock or by command. */
export interface RepositoryMaintenance {
  /** Keeps the report, and the texts of it. Errors also: `invalid-request` where the settings have it checked with a repository that there is not. */
  check(name: string, options: Checking): Promise<CheckReport>;
  /** Looks anew, as deep as the last check that found wrong digests. */
  repair(name: string, options: Repairing): Promise<RepairResult>;
  /** Errors also: `invalid-request` where there is no upstream. */
  synchronise(name: string, options: Synchronising): Promise<SynchroniseResult>;
  /** Takes over what lies elsewhere, once; what is only here stays. */
  takeOver(name: string, from: SynchroniseOptions['from'], options: Synchronising): Promise<SynchroniseResult>;
  /** Of the last check; undefined: there was none yet. */
  report(name: string): Promise<CheckReport | undefined>;
  reportText(name: string): Promise<string | undefined>;
  /** Ends connections to upstreams. */
  close(): Promise<void>;
}

/** Milliseconds for a report, which is one object. */
const reportTime = 30_000;
const changesShown = 20;

export function openRepositoryMaintenance(parts: MaintenanceParts): RepositoryMaintenance {
  const { settings, reads, stores, version } = parts;
  const limits = { ...sourceLimits, packageBytes: settings.packageBytes };
  const client = createSourceClient({ settings, version, limits });
  const openPlace = createExistingPlaces({ client, sourcePaths: settings.composeSourcePaths, stores, limits });
  const synchronising: SynchroniseParts = { ...parts, packageBytes: settings.packageBytes, openPlace, readers: existingRepositoryReaders };
  const storeOf = async (name: string): Promise<ReturnType<typeof stores.open>> => stores.open((await reads.get(name)).place);
  const readKept = async (name: string): Promise<CheckReport | undefined> => readReport(await storeOf(name), AbortSignal.timeout(reportTime));

  async function synchronise(name: string, given: Pick<SynchroniseOptions, 'from' | 'mirror'>, options: Synchronising): Promise<SynchroniseResult> {
    return synchroniseRepository(synchronising, name, { ...options, ...given, runId: randomUUID() });
  }

  return {
    async check(name, { deep = false, ...options }) {
      const { checkWith = [] } = (await reads.get(name)).settings;
      const report = await checkRepository(parts, name, { ...options, with: checkWith, depth: deep ? 'deep' : 'quick' });
      const changes = await reads.changes(name, { limit: changesShown });
      await keepReport(report, { store: await storeOf(name), outputDirectory: path.join(settings.home, 'output', name), changes, signal: options.signal });
      return report;
    },
    async repair(name, { deep, ...options }) {
      const asked = deep ?? ((await readKept(name))?.counts['wrong-digest'] ?? 0) > 0;
      return repairRepository(parts, name, { ...options, depth: asked ? 'deep' : 'quick', runId: randomUUID() });
    },
    async synchronise(name, options) {
      const { upstream } = (await reads.get(name)).settings;
      if (upstream === null) throw new MillraceError('invalid-request', `the repository ${name} is no mirror`, { suggestion: 'Set `upstream` in its settings first.' });
      return synchronise(name, { from: upstream, mirror: true }, options);
    },
    takeOver: (name, from, options) => synchronise(name, { from, mirror: false }, options),
    report: readKept,
    reportText: async (name) => readReportText(await storeOf(name), AbortSignal.timeout(reportTime)),
    close: () => client.close(),
  };
}
