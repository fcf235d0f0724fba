import type { InspectedRequest, InspectionContext } from '../../inspection/inspector.js';
import { componentOf } from './configured-repository.js';
import { findFile, type FileDeclaration } from './known-files.js';
import { kindOfName, type IndexKind } from './index-path.js';
import { knownReleases, type KnownRelease } from './known-releases.js';
import { plainPath } from './repository-path.js';

/** Each is some ten megabytes for a large archive, and fetched once a session. */
const maxConsulted = 6;
const bySize = ['.xz', '.zst', '.lzma', '.bz2', '.gz', ''];

/**
 * What the indexes of this session declare of a file. When none does, the indexes that should are fetched: apt leaves out those that it still has from
 * before the session, and makes them of patches.
 */
export async function findDeclared(request: InspectedRequest, context: InspectionContext, kind: 'packages' | 'sources'): Promise<readonly FileDeclaration[]> {
  const path = plainPath(request.path);
  const found = await findFile(context.knowledge, request.origin, path);
  if (found.length > 0 || context.consult === undefined) return found;
  for (const url of await indexesToConsult(request, context, kind)) {
    context.signal?.throwIfAborted();
    await context.consult(url);
    const declared = await findFile(context.knowledge, request.origin, path);
    if (declared.length > 0) return declared;
  }
  return [];
}

async function indexesToConsult(request: InspectedRequest, context: InspectionContext, kind: IndexKind): Promise<readonly string[]> {
  const path = plainPath(request.path);
  const releases = await knownReleases(context.knowledge, request.origin);
  // One host has several repositories (`/debian/`, `/debian-security/`): the file is of the one that it shares most of its path with.
  const nearest = Math.max(...releases.map(({ base }) => sharedDirectories(base, path)));
  const urls = releases
    .filter(({ base }) => sharedDirectories(base, path) === nearest)
    .flatMap((release) => candidateNames(release, path, kind).map((name) => request.origin + encodeURI(release.base + name)));
  return urls.slice(0, maxConsulted);
}

function sharedDirectories(base: string, path: string): number {
  const directories = path.split('/').slice(0, -1);
  const others = base.split('/');
  const different = directories.findIndex((directory, index) => directory !== others[index]);
  return different < 0 ? directories.length : different;
}

/** One name an index, the smallest: of the architecture that the file name tells, and of the component that is in the path. */
function candidateNames(release: KnownRelease, path: string, kind: IndexKind): readonly string[] {
  const architecture = /_([a-z0-9-]+)\.(?:u|d)?deb$/.exec(path)?.[1] ?? 'all';
  const smallest = new Map<string, string>();
  for (const name of Object.keys(release.files)) {
    // A udeb is in an index of the installer, anything else is not.
    if (kindOfName(name) !== kind || name.includes('debian-installer/') !== path.endsWith('.udeb')) continue;
    if (architecture !== 'all' && name.includes('/binary-') && !name.includes(`/binary-${architecture}/`)) continue;
    const suffix = suffixOf(name);
    const index = name.slice(0, name.length - suffix.length);
    const before = smallest.get(index);
    if (before === undefined || bySize.indexOf(suffix) < bySize.indexOf(suffixOf(before))) smallest.set(index, name);
  }
  const names = [...smallest.values()];
  const ofComponent = names.filter((name) => path.includes(`/${componentOf(name)}/`));
  return (ofComponent.length > 0 ? ofComponent : names).slice(0, maxConsulted);
}

function suffixOf(name: string): string {
  return /\.(?:xz|zst|lzma|bz2|gz)$/.exec(name)?.[0] ?? '';
}
