import type { ListedObject, ObjectStore } from '../object-storage/object-store.js';
import { createLimiter } from '../rpm-repository/limiter.js';
import type { ListedPackage } from '../repository/listed-package.js';
import type { Repository } from '../repository/repository.js';
import type { CheckOptions, CheckParts } from './check-parts.js';
import type { FindingCollector } from './collect-findings.js';
import { shownFindings, type Finding } from './finding.js';
import { hashObject } from '../object-storage/hash-object.js';

export interface ObjectsSubject {
  readonly repository: Repository;
  readonly state: number;
  readonly store: ObjectStore;
  /** When the check began, milliseconds since 1970. */
  readonly startedAt: number;
  readonly findings: FindingCollector;
}

export interface ObjectsSeen {
  readonly packages: number;
  readonly objects: number;
  readonly bytesRead: number;
}

type Expected = Pick<ListedPackage, 'key' | 'name' | 'version' | 'architecture' | 'path' | 'sha256' | 'size'>;

/** Objects that nobody knows are taken for somebody's work in progress at first; as for the prune. Milliseconds. */
const strangerAge = 24 * 60 * 60_000;
const pageSize = 100;
const readsAtOnce = 4;

/** Compares what a state lists with what is in the store, in one pass over each. Some 300 bytes of memory a package. */
export async function checkObjects(parts: CheckParts, subject: ObjectsSubject, options: CheckOptions): Promise<ObjectsSeen> {
  const { store, findings, state } = subject;
  const { name } = subject.repository;
  const missing = new Map<string, Expected>();
  for await (const { key, path, sha256, size, name: packageName, version, architecture } of parts.reads.allPackages(name, state)) {
    missing.set(path, { key, path, sha256, size, name: packageName, version, architecture });
  }
  const packages = missing.size;
  const known = await knownPaths(parts, subject);
  const limiter = createLimiter(readsAtOnce);
  const reading: Promise<void>[] = [];
  const suspects: Finding[] = [];
  let [objects, bytesRead] = [0, 0];

  async function judge(expected: Expected, object: ListedObject): Promise<void> {
    const problem = object.size === expected.size && options.depth === 'deep' ? await readProblem(expected) : sizeProblem(expected, object.size);
    if (problem === undefined) return;
    if (suspects.length < shownFindings) suspects.push(problem);
    else findings.add(problem);
  }

  async function readProblem(expected: Expected): Promise<Finding | undefined> {
    const hashed = await hashObject(store, expected.path, { signal: options.signal, onBytes: (bytes) => (bytesRead += bytes) });
    if (hashed === undefined) return absent(expected);
    if (hashed.sha256 === expected.sha256) return undefined;
    return { kind: 'wrong-digest', path: expected.path, package: about(expected), expected: expected.sha256, found: hashed.sha256, message: `${expected.path} has other bytes than were published: clients refuse it` };
  }

  for await (const object of store.list('', { signal: options.signal })) {
    if (object.key.split('/').some((part) => part.startsWith('.'))) continue;
    objects += 1;
    options.onProgress?.({ step: 'objects', done: objects, total: packages });
    const expected = missing.get(object.key);
    if (expected === undefined) {
      if (!known.has(object.key) && subject.startedAt - object.modified > strangerAge) findings.add(foreign(object));
      continue;
    }
    missing.delete(object.key);
    const work = limiter(() => judge(expected, object));
    work.catch(() => undefined);
    reading.push(work);
    // What was read must not pile up behind a list that is faster.
    if (reading.length >= 4 * readsAtOnce) await reading.shift();
  }
  await Promise.all(reading);
  for (const expected of missing.values()) {
    if (suspects.length < shownFindings) suspects.push(absent(expected));
    else findings.add(absent(expected));
  }
  for (const finding of suspects) if (await isStillSo(parts, subject, finding)) findings.add(finding);
  return { packages, objects, bytesRead };
}

/** Packages that wait for their grace time, those of a state to come, and the index files of all states. */
async function knownPaths({ reads }: CheckParts, { repository: { name } }: ObjectsSubject): Promise<ReadonlySet<string>> {
  const known = new Set<string>();
  for (const { path } of await reads.prunable(name, '9999-12-31T00:00:00Z')) known.add(path);
  for (const { path } of (await reads.planned(name))?.added ?? []) known.add(path);
  let before: number | undefined;
  for (;;) {
    const page = await reads.states(name, { limit: pageSize, ...(before === undefined ? {} : { before }) });
    for (const { index } of page) for (const { path } of index) known.add(path);
    before = page.at(-1)?.state;
    if (page.length < pageSize) return known;
  }
}

/** The repository may have been published to, or pruned, while it was looked at: whatever is not listed any more is nobody's loss. */
async function isStillSo({ reads }: CheckParts, { repository: { name }, store, state }: ObjectsSubject, finding: Finding): Promise<boolean> {
  if (finding.package === undefined || finding.path === undefined) return true;
  if ((await reads.get(name)).state !== state) {
    const { listed } = await reads.package(name, finding.package.key);
    if (listed.every(({ until }) => until !== null)) return false;
  }
  return finding.kind !== 'missing-object' || (await store.head(finding.path)) === undefined;
}

function sizeProblem(expected: Expected, size: number): Finding | undefined {
  if (size === expected.size) return undefined;
  return { kind: 'wrong-size', path: expected.path, package: about(expected), expected: `${expected.size}`, found: `${size}`, message: `${expected.path} has ${size} bytes instead of ${expected.size}: clients refuse it` };
}

function absent(expected: Expected): Finding {
  return { kind: 'missing-object', path: expected.path, package: about(expected), expected: expected.sha256, message: `${expected.path} is listed, and not there: clients cannot install ${expected.name}` };
}

function foreign({ key, size }: ListedObject): Finding {
  return { kind: 'foreign-object', path: key, found: `${size}`, message: `${key} is listed by no state and no index, and takes ${size} bytes` };
}

function about({ key, name, version, architecture }: Expected): NonNullable<Finding['package']> {
  return { key, name, version, architecture };
}
