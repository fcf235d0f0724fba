import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createHash } from 'node:crypto';

/** One row of docs/reference/strict-verdicts.md, which `npm test` makes from what the specs of tests/strict and tests/clients saw. */
export interface StrictVerdict {
  /** As policies name it: `npm`. */
  readonly ecosystem: string;
  /** Program and, where it matters, how it was run: `pnpm install --frozen-lockfile`. */
  readonly client: string;
  /** What was fetched, in a few words: `two packages from the registry`. */
  readonly build: string;
  readonly verdict: 'passes' | 'refused';
  /** Of a refusal: the reason as the report has it, shortened to what does not change from run to run. */
  readonly reason?: string;
}

/** Environment variable with the directory that `npm test` collects verdicts in; a single spec run by hand collects none. */
export const verdictsVariable = 'MILLRACE_TEST_VERDICTS';

/** Call it last in a spec, when everything that the row says has been asserted. */
export function recordVerdict(verdict: StrictVerdict): void {
  const directory = process.env[verdictsVariable];
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  const row = JSON.stringify(verdict);
  writeFileSync(path.join(directory, `${createHash('sha256').update(row).digest('hex').slice(0, 32)}.json`), row);
}
