import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import type { Keyring } from '../openpgp/keyring.js';
import { describeFailures, signedByMetadata, verifyDetached } from '../openpgp/verify-signatures.js';

/** Keeps what a `repomd.xml.asc` said until its `repomd.xml` is inspected. */
export function rememberSignature(knowledge: SessionKnowledge, base: string, signature: Buffer): Promise<void> {
  return knowledge.put(signatureKey(base), signature.toString('base64'));
}

/**
 * Who signed a `repomd.xml`, as `signedBy` of metadata has it; empty when nobody known did. The proxy fetches the signature, as clients do so later,
 * if at all. Throws a reason when a known key's signature does not hold. Without a signature nothing is wrong yet: packages have their own.
 */
export async function verifyRepomd(bytes: Buffer, { base, keyring }: { readonly base: string; readonly keyring: Keyring }, context: InspectionContext): Promise<string> {
  await context.consult?.(`${base}repodata/repomd.xml.asc`);
  const known = await context.knowledge.get(signatureKey(base));
  if (known === undefined) return '';
  const { verifiedBy, failures } = await verifyDetached(bytes, Buffer.from(known, 'base64'), { keyring, signal: context.signal });
  if (failures.some(({ kind }) => kind === 'bad')) throw refusal(`the signature of the repomd.xml does not hold: ${describeFailures(failures)}`);
  return signedByMetadata(verifiedBy);
}

function signatureKey(base: string): string {
  return `rpm/signature/${base}`;
}
