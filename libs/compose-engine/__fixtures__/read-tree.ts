import { readdirSync } from 'node:fs';
import path from 'node:path';

/** Paths of all files below a directory, relative to it and sorted. */
export function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name))).sort();
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error as { code: string; message: string },
  );
  if (outcome === undefined) throw new Error('it did not fail');
  return outcome;
}
