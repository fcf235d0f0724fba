import { continueAsNew, log, proxyActivities, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { isLong } from '../repository/repository-entity.js';
import { failureOf } from '../repository/step-failures.js';
import { invalidRequest } from '../session/session-input.js';
import { ostreeExportStatusQuery, ostreeExportWorkflowId, type OstreeExportInput, type OstreeExportStatus } from './ostree-export-messages.js';
import type { ExportedCounts, OstreeExportActivities } from './ostree-export-activities.js';

const brief = proxyActivities<OstreeExportActivities>({ startToCloseTimeout: '1 minute', heartbeatTimeout: '10s', retry: { initialInterval: '1s', maximumAttempts: 3 } });
const lengthy = proxyActivities<OstreeExportActivities>({ startToCloseTimeout: '2 hours', heartbeatTimeout: '15s', retry: { initialInterval: '1s', maximumAttempts: 3 } });

/** Milliseconds from one round to the next, where there is not more to do at once. */
const roundInterval = 10_000;

/**
 * Keeps the OSTree repository of a cache instance: rounds without end, each of which makes up for whatever one before has not done. Completes when the settings export no such
 * instance any more; fails with `invalid-request` for an input that is none.
 */
export async function ostreeExport(input: OstreeExportInput, carried?: OstreeExportStatus): Promise<OstreeExportStatus> {
  const instance = validInput(input);
  let status: OstreeExportStatus = carried ?? { instance, usage: undefined, lastChange: undefined, currentAt: undefined, problem: undefined };
  setHandler(ostreeExportStatusQuery, () => status);
  while (!isLong()) {
    const next = await round(status);
    if (next === 'gone') return status;
    status = next.status;
    if (!next.more) await sleep(roundInterval);
  }
  return continueAsNew<typeof ostreeExport>(input, status);
}

async function round(status: OstreeExportStatus): Promise<'gone' | { readonly status: OstreeExportStatus; readonly more: boolean }> {
  const { instance } = status;
  try {
    const counts = await lengthy.exportToOstree(instance);
    const well = { ...status, currentAt: now(), problem: undefined };
    return { status: hasChanged(counts) || status.usage === undefined ? await looked(well, counts) : well, more: counts.more };
  } catch (error) {
    const { problem } = failureOf(error);
    if (problem.code === 'invalid-request') return 'gone';
    log.warn('the export of an artifact cache as an OSTree repository failed; it is done again in some seconds', { instance, ...problem });
    return { status: { ...status, problem: problem.message }, more: false };
  }
}

async function looked(status: OstreeExportStatus, { exported, dropped, deleted, refused }: ExportedCounts): Promise<OstreeExportStatus> {
  const usage = await brief.lookAtOstree(status.instance);
  return { ...status, usage: { ...usage, at: now() }, lastChange: { exported, dropped, deleted, refused, at: now() } };
}

function hasChanged({ exported, dropped, deleted, refused }: ExportedCounts): boolean {
  return exported + dropped + deleted + refused > 0;
}

function now(): string {
  return new Date().toISOString();
}

function validInput(input: unknown): string {
  const instance = typeof input === 'object' && input !== null ? (input as { instance?: unknown }).instance : undefined;
  if (typeof instance !== 'string' || instance === '' || instance.length > 200) throw invalidRequest('instance must be the name of a cache instance');
  if (ostreeExportWorkflowId(instance) !== workflowInfo().workflowId) throw invalidRequest('the workflow id must be ostree-export:<instance>');
  return instance;
}
