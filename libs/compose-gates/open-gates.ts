import { createSourceClient, type RepositorySourceOptions } from '../repository-source/repository-source.js';
import { sourceLimits } from '../repository-source/source-limits.js';
import { createGates } from './create-gates.js';
import type { Gates } from './gate.js';

export interface OpenGates extends Gates {
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Milliseconds before an answer begins: a decision waits for the services behind the gate. */
const firstByte = 110_000;

/** Gates are where sources of composes may be: the same destinations, authorities and parent proxy. `version`: of Millrace. */
export function openGates({ settings, version }: Pick<RepositorySourceOptions, 'settings' | 'version'>): OpenGates {
  const client = createSourceClient({ settings, version, limits: { ...sourceLimits, progressTime: firstByte } });
  return { ...createGates({ client }), close: () => client.close() };
}
