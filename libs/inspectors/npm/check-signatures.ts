import type { InspectionContext } from '../../inspection/inspector.js';
import type { FileDeclaration } from '../declarations/declared-files.js';
import { packageNameOfPath } from './package-name.js';
import { findRegistryKeys } from './registry-keys.js';
import { isRegistrySignature, unpackSignatures, type RegistryKey, type RegistrySignature } from './registry-signatures.js';

/** What the registry's signatures over a version and its digest say. */
export interface SignatureCheck {
  /** Why the tarball is refused; undefined: nothing contradicts it. */
  readonly problem?: string;
  /** `npm:<key id>` of every key whose signature was verified, separated by spaces. */
  readonly signedBy: string;
  /** For the report. */
  readonly summary: string;
}

/** Checks the signatures of every package document that declares a tarball. One by a key that nobody knows counts neither for nor against it. */
export async function checkSignatures(
  name: string,
  declarations: readonly { readonly index: string; readonly declaration: FileDeclaration }[],
  context: InspectionContext,
): Promise<SignatureCheck> {
  const verified = new Set<string>();
  let unknown = 0;
  for (const { index, declaration } of declarations) {
    const [integrity = '', version = '', published = '', packed = ''] = declaration;
    const signatures = unpackSignatures(packed);
    if (signatures.length === 0) continue;
    const keys = (await findRegistryKeys(registryOf(index), context)) ?? [];
    for (const signature of signatures) {
      const key = keys.find(({ keyId }) => keyId === signature.keyId);
      if (key === undefined) unknown += 1;
      else {
        const problem = checkSignature({ release: `${name}@${version}`, integrity, published }, signature, key);
        if (problem !== undefined) return { problem, signedBy: '', summary: 'contradicted' };
        verified.add(`npm:${key.keyId}`);
      }
    }
  }
  return { signedBy: [...verified].sort().join(' '), summary: summarise(verified.size, unknown) };
}

function checkSignature(signed: { release: string; integrity: string; published: string }, signature: RegistrySignature, key: RegistryKey): string | undefined {
  const { release, integrity, published } = signed;
  if (key.expires !== '' && published > key.expires) return `the registry's signature over ${release} is by the key ${key.keyId}, which ended at ${key.expires}, before the release`;
  if (isRegistrySignature(`${release}:${integrity}`, signature, key)) return undefined;
  return `the registry's signature over ${release} and its digest is not valid for the key ${key.keyId}: the package document was changed on its way`;
}

function summarise(verified: number, unknown: number): string {
  if (verified > 0) return 'verified';
  return unknown > 0 ? 'not checked: the keys are not known' : 'none';
}

/** The registry, without `/` at the end, that a package document's URL lies in. */
function registryOf(index: string): string {
  const [origin = ''] = /^https?:\/\/[^/]*/.exec(index) ?? [];
  return origin + (packageNameOfPath(index.slice(origin.length))?.basePath ?? '');
}
