import { defineQuery } from '@temporalio/workflow';
import type { ExportUsage } from './ostree-export-activities.js';

/** Published contract of the workflow `ostree-export:<instance>`, which keeps the OSTree repository of a cache instance as the instance is; docs/reference/ostree.md. On the queue `artifacts`. */
export const ostreeExportWorkflowType = 'ostreeExport';

export function ostreeExportWorkflowId(instance: string): string {
  return `ostree-export:${instance}`;
}

export interface OstreeExportInput {
  readonly instance: string;
}

export interface OstreeExportStatus {
  readonly instance: string;
  /** As it was after the last round that changed something; undefined: not looked at yet. */
  readonly usage: (ExportUsage & { readonly at: string }) | undefined;
  /** The last round that changed something. */
  readonly lastChange: { readonly exported: number; readonly dropped: number; readonly deleted: number; readonly refused: number; readonly at: string } | undefined;
  /** When a round last went well. */
  readonly currentAt: string | undefined;
  /** Of the last round; undefined: it went well. */
  readonly problem: string | undefined;
}

export const ostreeExportStatusQuery = defineQuery<OstreeExportStatus>('ostreeExportStatus');
