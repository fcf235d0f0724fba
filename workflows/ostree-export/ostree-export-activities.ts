/** What one round did. */
export interface ExportedCounts {
  readonly exported: number;
  readonly dropped: number;
  readonly deleted: number;
  readonly refused: number;
  /** There is more to do now. */
  readonly more: boolean;
}

export interface ExportUsage {
  readonly refs: number;
  readonly objects: number;
  readonly bytes: number;
  /** Entries that cannot be exported, or not yet. */
  readonly refused: number;
}

/** Both may be repeated; `createOstreeExportActivities` in activities/ostree-export makes them. An instance that the settings do not export: `invalid-request`. */
export interface OstreeExportActivities {
  /** Bounded, and done again by whoever finds it half done. */
  exportToOstree(instance: string): Promise<ExportedCounts>;
  lookAtOstree(instance: string): Promise<ExportUsage>;
}
