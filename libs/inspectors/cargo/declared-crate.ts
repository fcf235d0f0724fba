import type { InspectedRequest, InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { findDeclarations, rememberDeclaredFiles, type DeclarationKey } from '../declarations/declared-files.js';
import type { CrateId } from './crate-id.js';
import { isDownloadUrl } from './download-template.js';
import type { IndexedRelease } from './index-file.js';

/** What one index says of a release. */
export interface CrateDeclaration {
  /** URL of the index, `/` at its end. */
  readonly index: string;
  readonly checksum: string;
  readonly yanked: boolean;
  /** As `readPublicationTime` gives it, or empty. */
  readonly published: string;
}

/** Remembers the releases of a crate, by name and version: downloads may be redirected to any host. Returns how many. */
export function rememberReleases(
  { knowledge, signal }: Pick<InspectionContext, 'knowledge' | 'signal'>,
  crate: string,
  declared: { index: string; releases: readonly IndexedRelease[] },
): Promise<number> {
  const files = new Map(declared.releases.map(({ version, checksum, yanked, published }) => [version, [checksum, yanked ? 'yanked' : '', published]]));
  return rememberDeclaredFiles(knowledge, keyOf(crate), { index: declared.index, files, signal });
}

export function rememberTemplate(knowledge: SessionKnowledge, index: string, template: string): Promise<void> {
  return knowledge.put(templateKey(index), template);
}

/**
 * What the indexes of this session say of a release. When the request is the download URL of some of them, only those: two registries
 * may each have a crate of that name. Behind a redirect the URL tells nothing, so then all of them.
 */
export async function findRelease(knowledge: SessionKnowledge, crate: CrateId, request: InspectedRequest): Promise<readonly CrateDeclaration[]> {
  const all: CrateDeclaration[] = [];
  const governing: CrateDeclaration[] = [];
  for (const { index, declaration } of await findDeclarations(knowledge, keyOf(crate.name), crate.version)) {
    const declared = { index, checksum: declaration[0] ?? '', yanked: declaration[1] === 'yanked', published: declaration[2] ?? '' };
    all.push(declared);
    const template = await knowledge.get(templateKey(index));
    if (template !== undefined && isDownloadUrl(template, { ...crate, checksum: declared.checksum }, request)) governing.push(declared);
  }
  return governing.length > 0 ? governing : all;
}

function keyOf(crate: string): DeclarationKey {
  return { family: 'cargo', origin: 'any', name: crate.toLowerCase() };
}

function templateKey(index: string): string {
  return `cargo/template/${index}`;
}
