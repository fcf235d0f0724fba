import { Context } from '@temporalio/activity';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { OstreeExport } from '../../libs/ostree-exports/ostree-export.js';
import type { OstreeExportActivities } from '../../workflows/ostree-export/ostree-export-activities.js';
import { asComposeFailure } from '../compose/compose-activity-failure.js';
import { performed } from '../performed.js';

export interface OstreeExportActivityOptions {
  readonly exporter: OstreeExport;
  /** Names of the instances that the settings export. */
  readonly instances: ReadonlySet<string>;
}

/** The activities of the export's workflow. Both may be repeated. */
export function createOstreeExportActivities({ exporter, instances }: OstreeExportActivityOptions): OstreeExportActivities {
  function demand(instance: string): void {
    if (!instances.has(instance)) throw new MillraceError('invalid-request', `the settings export no cache instance ${JSON.stringify(instance)} as an OSTree repository`);
  }

  return {
    exportToOstree: (instance) =>
      performed(async () => {
        demand(instance);
        return exporter.round(instance, { signal: Context.current().cancellationSignal });
      }, asComposeFailure),
    lookAtOstree: (instance) =>
      performed(async () => {
        demand(instance);
        return exporter.usage(instance);
      }, asComposeFailure),
  };
}
