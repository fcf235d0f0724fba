import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { findDeclarations, rememberDeclaredFiles } from '../declarations/declared-files.js';
import type { Descriptor } from './manifest.js';

/** What a manifest of this session says of a manifest or a blob. */
export interface DeclaredDescriptor {
  /** Digest of the manifest that says so. */
  readonly manifest: string;
  readonly size: number;
  readonly role: string;
  readonly mediaType: string;
  readonly architecture: string;
  /** Keys that signed the manifest, as `ArtefactMetadata.signedBy`; empty when none did. */
  readonly signedBy: string;
}

/** Which manifest declares, and who signed it. */
export interface DeclaringManifest {
  readonly digest: string;
  readonly signedBy: string;
}

/**
 * Remembers what a manifest names, by digest alone: the same content may come from any repository and host. The manifest that it is about
 * (`subject`) is no declaration of it. Throws when one digest is given two sizes.
 */
export async function rememberDescriptors(context: InspectionContext, manifest: DeclaringManifest, descriptors: readonly Descriptor[]): Promise<void> {
  const named = new Map<string, Descriptor>();
  for (const descriptor of descriptors) {
    if (descriptor.role === 'subject') continue;
    const same = named.get(descriptor.digest);
    if (same !== undefined && same.size !== descriptor.size) throw refusal(`the manifest gives ${descriptor.digest} two sizes`);
    if (same === undefined) named.set(descriptor.digest, descriptor);
  }
  for (const { digest, size, role, mediaType, architecture } of named.values()) {
    context.signal?.throwIfAborted();
    const declaration = [String(size), role, mediaType, architecture, manifest.signedBy];
    await rememberDeclaredFiles(context.knowledge, keyOf(digest), { index: manifest.digest, files: new Map([[digest, declaration]]) });
  }
}

/** What the manifests of this session say of a digest, the newest first; at most four. */
export async function findDescriptors(knowledge: SessionKnowledge, digest: string): Promise<readonly DeclaredDescriptor[]> {
  const found = await findDeclarations(knowledge, keyOf(digest), digest);
  return found.map(({ index, declaration }) => {
    const [size = '', role = '', mediaType = '', architecture = '', signedBy = ''] = declaration;
    return { manifest: index, size: Number(size), role, mediaType, architecture, signedBy };
  });
}

/** Keys that signed one of the manifests that declare; empty when none is signed. */
export function signersOf(declared: readonly DeclaredDescriptor[]): string {
  return declared.find(({ signedBy }) => signedBy !== '')?.signedBy ?? '';
}

function keyOf(digest: string): { family: string; origin: string; name: string } {
  return { family: 'oci', origin: 'any', name: digest };
}
