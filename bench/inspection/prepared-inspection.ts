import type { InspectorsConfiguration } from '../../libs/policy/session-policy.js';

/** What an inspection needs besides the artefact, as plain data: written by one process, so that another's memory is only the inspection's. */
export interface PreparedInspection {
  readonly size: number;
  readonly sha1: string;
  readonly sha256: string;
  readonly configuration: InspectorsConfiguration;
  readonly knowledge: readonly (readonly [key: string, value: string])[];
  readonly request: {
    readonly url: string;
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    /** Base64. */
    readonly body: string | undefined;
  };
}
