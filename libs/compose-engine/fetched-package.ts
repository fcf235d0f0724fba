import type { PlannedPackage } from '../compose/compose-plan.js';

/** A package that is in the content store, as its own headers describe it. */
export interface FetchedPackage {
  readonly planned: PlannedPackage;
  /** Upper-case hex of 16 digits. */
  readonly keyIds: readonly string[];
}
