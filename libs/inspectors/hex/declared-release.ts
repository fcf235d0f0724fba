import type { InspectedRequest, InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { findDeclarations, rememberDeclaredFiles, type DeclarationKey } from '../declarations/declared-files.js';
import type { HexId } from './hex-id.js';
import { parseRegistryPath } from './registry-path.js';
import type { IndexedRelease } from './registry-messages.js';

/** What one repository says of a release. */
export interface ReleaseDeclaration extends IndexedRelease {
  /** URL of the repository, `/` at its end. */
  readonly index: string;
  /** The key that signed the document, see `signerOf`; empty when that was not checked. */
  readonly signedBy: string;
}

/** Remembers the releases of a package by version, whatever host serves the tarballs. Returns how many. */
export function rememberReleases(knowledge: SessionKnowledge, name: string, declared: { index: string; releases: readonly IndexedRelease[]; signedBy: string }): Promise<number> {
  const files = new Map(declared.releases.map(({ version, outer, inner, retired }) => [version, [outer, inner, retired ? 'retired' : '', declared.signedBy]]));
  return rememberDeclaredFiles(knowledge, keyOf(name), { index: declared.index, files });
}

/**
 * What the repositories of this session say of a release; where none says anything, the one that serves the tarball is asked. When the
 * tarball lies under a repository that declares it, only what that one says: two repositories may each have a package of that name.
 */
export async function findRelease(release: HexId, request: InspectedRequest, context: InspectionContext): Promise<readonly ReleaseDeclaration[]> {
  const asked = parseRegistryPath(request.path);
  const index = asked === undefined ? '' : request.origin + asked.base;
  const known = await lookUp(release, index, context.knowledge);
  if (known.length > 0 || context.consult === undefined || index === '') return known;
  await context.consult(`${index}packages/${release.name}`);
  return lookUp(release, index, context.knowledge);
}

async function lookUp({ name, version }: HexId, repository: string, knowledge: SessionKnowledge): Promise<readonly ReleaseDeclaration[]> {
  const all = (await findDeclarations(knowledge, keyOf(name), version)).map(({ index, declaration: [outer = '', inner = '', status = '', signedBy = ''] }) => ({
    index,
    version,
    outer,
    inner,
    retired: status === 'retired',
    signedBy,
  }));
  const own = all.filter(({ index }) => index === repository);
  return own.length > 0 ? own : all;
}

function keyOf(name: string): DeclarationKey {
  return { family: 'hex', origin: 'any', name };
}
