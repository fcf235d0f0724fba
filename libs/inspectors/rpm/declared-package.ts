import type { InspectedRequest, InspectionContext } from '../../inspection/inspector.js';
import type { ListedPackage } from '../../rpm/metadata/primary.js';
import type { PackageIdentity } from '../../rpm/package/package-details.js';
import { compareVersions } from '../../rpm/version.js';
import type { ClientView } from './client-view.js';
import { countKnownPackages, findPackages } from './package-index.js';
import { consultRepository, findRepository, listRepositories } from './repositories.js';
import { ancestors, requestUrl, resolveLocation } from './repository-path.js';

interface Candidate {
  readonly repository: string;
  readonly listed: ListedPackage;
}

export interface PackageFinding extends Candidate {
  /** False: the package is declared at this place, or by this name and version, with another digest. */
  readonly holds: boolean;
  /** Of the same name and architecture in the same repository, when it is newer. */
  readonly newer?: ListedPackage;
}

interface Subject {
  readonly request: InspectedRequest;
  readonly identity: PackageIdentity;
  readonly view: ClientView;
}

/**
 * Finds which repository of the session declares a package. Of the repository that has it at this very URL the word holds; elsewhere (at a mirror) the
 * digest counts. Lets the proxy read the repository that the URL lies in when nobody declares the package.
 */
export async function findPackage(subject: Subject, context: InspectionContext): Promise<PackageFinding | undefined> {
  const above = ancestors(subject.request);
  const known = await listRepositories(context.knowledge);
  const found = await search(subject, [...new Set([...known, ...above])], context);
  if (found !== undefined || context.consult === undefined) return found;
  // Repositories whose primary metadata the client did not read (it has the zchunk or sqlite form, or a cache) before those that nobody asked for.
  for (const base of new Set([...known, ...above])) {
    context.signal?.throwIfAborted();
    const consulted = (await consultPackages(context, base)) ? await search(subject, [base], context) : undefined;
    if (consulted !== undefined) return consulted;
  }
  return undefined;
}

/** True when the repository's packages are known only now. */
async function consultPackages(context: InspectionContext, base: string): Promise<boolean> {
  if (!(await consultRepository(context, base))) return false;
  const [latest] = await findRepository(context.knowledge, base);
  const primary = latest?.files.find(({ type }) => type === 'primary');
  if (primary === undefined || (await countKnownPackages(context.knowledge, base, primary.checksum)) !== undefined) return false;
  const url = resolveLocation(base, primary);
  return url !== undefined && (await context.consult?.(url)) === 'approved';
}

async function search(subject: Subject, bases: readonly string[], { knowledge }: InspectionContext): Promise<PackageFinding | undefined> {
  const all: Candidate[] = [];
  for (const repository of bases) {
    const packages = (await findPackages(knowledge, repository, subject.identity.name)) ?? [];
    all.push(...packages.map((listed) => ({ repository, listed })));
  }
  const url = requestUrl(subject.request);
  const here = all.filter(({ repository, listed }) => resolveLocation(repository, listed) === url);
  // At a mirror, or behind a redirect to storage: the same package by name and version.
  const candidates = here.length > 0 ? here : all.filter(({ listed }) => isSame(listed, subject.identity));
  for (const candidate of candidates) if (await subject.view.matches(candidate.listed.checksum)) return { ...candidate, holds: true, ...newestOf(all, candidate) };
  const [first] = candidates;
  return first === undefined ? undefined : { ...first, holds: false };
}

export function isSame(one: PackageIdentity, other: PackageIdentity): boolean {
  return one.name === other.name && one.arch === other.arch && one.epoch === other.epoch && one.version === other.version && one.release === other.release;
}

function newestOf(all: readonly Candidate[], { repository, listed }: Candidate): { newer?: ListedPackage } {
  let newest = listed;
  for (const other of all) if (other.repository === repository && other.listed.arch === listed.arch && compareVersions(other.listed, newest) > 0) newest = other.listed;
  return newest === listed ? {} : { newer: newest };
}
