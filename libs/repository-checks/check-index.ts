import type { ObjectStore } from '../object-storage/object-store.js';
import type { IndexFile } from '../repository/repository-change.js';
import type { CheckOptions, CheckParts } from './check-parts.js';
import type { Finding } from './finding.js';
import { hashObject, type HashedObject } from '../object-storage/hash-object.js';

/** How often it is looked again because the index was switched in between. */
const attempts = 5;

/** Reads every index file of what clients see now. Answers the state that it was, and what is wrong with it. */
export async function checkIndex({ reads }: Pick<CheckParts, 'reads'>, name: string, { store, signal }: { readonly store: ObjectStore } & Pick<CheckOptions, 'signal'>): Promise<{ readonly state: number; readonly findings: readonly Finding[]; readonly bytesRead: number }> {
  let bytesRead = 0;
  for (let attempt = 1; ; attempt += 1) {
    const { state } = await reads.get(name);
    if (state === 0) return { state, findings: [], bytesRead };
    const findings: Finding[] = [];
    for (const file of (await reads.state(name, state)).index) {
      const hashed = await hashObject(store, file.path, { signal, onBytes: (bytes) => (bytesRead += bytes) });
      if (hashed?.sha256 === file.sha256) continue;
      // In the middle of a switch, it may be that of the state to come.
      if (hashed !== undefined && (await isOfPlannedState(reads, name, { store, file, hashed, signal }))) continue;
      findings.push(wrongFile(file, hashed));
    }
    if (findings.length === 0 || attempt === attempts || (await reads.get(name)).state === state) return { state, findings, bytesRead };
  }
}

interface FoundFile {
  readonly store: ObjectStore;
  readonly file: IndexFile;
  readonly hashed: HashedObject;
  readonly signal: AbortSignal;
}

async function isOfPlannedState(reads: CheckParts['reads'], name: string, { store, file, hashed, signal }: FoundFile): Promise<boolean> {
  const planned = await reads.planned(name);
  if (planned === undefined) return false;
  return (await hashObject(store, `.states/${planned.state}/${file.path}`, { signal }))?.sha256 === hashed.sha256;
}

function wrongFile({ path, sha256 }: IndexFile, hashed: HashedObject | undefined): Finding {
  if (hashed === undefined) return { kind: 'missing-index-file', path, expected: sha256, message: `${path} of the index is not there: clients cannot read the repository` };
  return { kind: 'wrong-index-file', path, expected: sha256, found: hashed.sha256, message: `${path} of the index has other bytes than were published: clients refuse the repository` };
}
