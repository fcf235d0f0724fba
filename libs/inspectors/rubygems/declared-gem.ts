import type { InspectedRequest, InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { findDeclarations, rememberDeclaredFiles, type DeclarationKey } from '../declarations/declared-files.js';
import type { IndexedGem } from './compact-index.js';
import { releaseKey, type GemId } from './gem-id.js';
import { parseRegistryPath } from './registry-path.js';

/** What one registry says of a file. */
export interface GemDeclaration {
  /** URL of the registry, `/` at its end. */
  readonly registry: string;
  /** SHA-256 in hex; empty when the registry gives none. */
  readonly checksum: string;
}

/** Remembers the releases of a gem by version and platform, whatever host serves the files. Returns how many. */
export function rememberGems(knowledge: SessionKnowledge, name: string, declared: { registry: string; gems: readonly IndexedGem[] }): Promise<number> {
  const files = new Map(declared.gems.map(({ release, checksum }) => [release, [checksum]]));
  return rememberDeclaredFiles(knowledge, keyOf(name), { index: declared.registry, files });
}

/**
 * What the registries of this session say of a gem; where none says anything, the one that serves the gem is asked for its info file.
 * When the gem lies under a registry that declares it, only what that one says: two registries may each have a gem of that name.
 */
export async function findGem(gem: GemId, request: InspectedRequest, context: InspectionContext): Promise<readonly GemDeclaration[]> {
  const known = await lookUp(gem, request, context);
  if (known.length > 0 || context.consult === undefined) return known;
  const registry = registryOf(request);
  if (registry === undefined) return known;
  await context.consult(`${registry}info/${encodeURIComponent(gem.name)}`);
  return lookUp(gem, request, context);
}

async function lookUp(gem: GemId, request: InspectedRequest, { knowledge }: InspectionContext): Promise<readonly GemDeclaration[]> {
  const found = await findDeclarations(knowledge, keyOf(gem.name), releaseKey(gem.version, gem.platform));
  const all = found.map(({ index, declaration }) => ({ registry: index, checksum: declaration[0] ?? '' }));
  const own = all.filter(({ registry }) => registry === registryOf(request));
  return own.length > 0 ? own : all;
}

function registryOf(request: InspectedRequest): string | undefined {
  const asked = parseRegistryPath(request.path);
  return asked === undefined ? undefined : request.origin + asked.base;
}

function keyOf(name: string): DeclarationKey {
  return { family: 'gem', origin: 'any', name };
}
