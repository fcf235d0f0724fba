import type { InspectedRequest, InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { isRecord, own } from '../../inspection/bounded-json.js';
import { findDeclarations, rememberDeclaredFiles, type DeclarationKey, type FileDeclaration } from '../declarations/declared-files.js';
import { normalisePath } from '../declarations/declared-url.js';
import { isComposerName } from './package-name.js';
import type { DeclaredDist } from './repository-document.js';

/** What one document says of a dist. */
export interface DistDeclaration {
  /** URL of the document. */
  readonly index: string;
  readonly version: string;
  readonly shasum: string;
  readonly reference: string;
  readonly time: string;
}

const templatesKey = 'composer/metadata-urls';
const maxTemplates = 4;
const maxTemplate = 2048;

/** Remembers the dists of a package by URL, and by checksum for those that come from a mirror. Returns how many URLs. */
export async function rememberDists(knowledge: SessionKnowledge, name: string, declared: { index: string; dists: readonly DeclaredDist[] }): Promise<number> {
  const files = new Map<string, FileDeclaration>();
  for (const { version, url, shasum, reference, time } of declared.dists) {
    const declaration = [version, shasum, reference, time];
    if (shasum !== '') files.set(`sha1:${shasum}`, declaration);
    // Two versions may have one archive; the one with a checksum says more.
    const place = url.origin + url.path;
    if (shasum !== '' || !files.has(place)) files.set(place, declaration);
  }
  for (const origin of new Set(declared.dists.filter(({ shasum }) => shasum !== '').map(({ url }) => url.origin))) await knowledge.put(originKey(origin), 'checksums');
  return rememberDeclaredFiles(knowledge, keyOf(name), { index: declared.index, files });
}

/**
 * What the documents of this session say of the dist at this URL, else of one with this SHA-1 (it came from a mirror); where they say
 * nothing of the package, the repositories that are known are asked for it.
 */
export async function findDist(dist: { name: string; sha1: string; request: InspectedRequest }, context: InspectionContext): Promise<readonly DistDeclaration[]> {
  const known = await lookUp(dist, context.knowledge);
  if (known.length > 0 || context.consult === undefined || !isComposerName(dist.name)) return known;
  for (const template of await metadataUrls(context)) {
    for (const end of ['', '~dev']) {
      await context.consult(template.replaceAll('%package%', dist.name + end));
      const found = await lookUp(dist, context.knowledge);
      if (found.length > 0) return found;
    }
  }
  return [];
}

async function lookUp({ name, sha1, request }: { name: string; sha1: string; request: InspectedRequest }, knowledge: SessionKnowledge): Promise<readonly DistDeclaration[]> {
  const place = request.origin + normalisePath(request.path) + (request.query === '' ? '' : `?${request.query}`);
  const byPlace = await findDeclarations(knowledge, keyOf(name), place);
  // Only of a mirror: where documents give checksums by URL, an archive must not choose by the name in it which of them counts.
  const isMirror = byPlace.length === 0 && (await knowledge.get(originKey(request.origin))) === undefined;
  const found = isMirror ? await findDeclarations(knowledge, keyOf(name), `sha1:${sha1}`) : byPlace;
  return found.map(({ index, declaration: [version = '', shasum = '', reference = '', time = ''] }) => ({ index, version, shasum, reference, time }));
}

/** Remembers where a repository has the documents of its packages (`metadata-url` with `%package%`). */
export async function rememberMetadataUrl(knowledge: SessionKnowledge, template: string): Promise<void> {
  if (template.length > maxTemplate) return;
  const templates = parseList(await knowledge.get(templatesKey));
  if (!templates.includes(template)) await knowledge.put(templatesKey, JSON.stringify([template, ...templates].slice(0, maxTemplates)));
}

/** Of the session's repositories, then those of `inspectors-configuration`: `{"composer": {"metadata-urls": ["https://…/p2/%package%.json"]}}`. */
async function metadataUrls({ knowledge, configuration }: InspectionContext): Promise<readonly string[]> {
  const composer = own(configuration, 'composer');
  const configured = isRecord(composer) ? own(composer, 'metadata-urls') : undefined;
  const urls: unknown[] = Array.isArray(configured) ? configured : [];
  return [...parseList(await knowledge.get(templatesKey)), ...urls.filter((url): url is string => typeof url === 'string' && url.includes('%package%')).slice(0, maxTemplates)];
}

function parseList(value: string | undefined): readonly string[] {
  return value === undefined ? [] : (JSON.parse(value) as string[]); // written by this file only
}

function originKey(origin: string): string {
  return `composer/origin/${origin}`;
}

/** Archives without a composer.json name no package: the empty name holds what documents of whole repositories say. */
function keyOf(name: string): DeclarationKey {
  return { family: 'composer', origin: 'any', name };
}
