import type { PackageHead } from '../../rpm/package/package-file.js';
import { listSignatures, type PackageSignature } from '../../rpm/package/signatures.js';
import type { Keyring } from '../openpgp/keyring.js';
import { verifyDetached, type SignatureCheck } from '../openpgp/verify-signatures.js';
import { verifyVersion3 } from './verify-version3.js';

export interface PackageSignatureCheck extends SignatureCheck {
  /** All signatures of the package, whether or not they could be verified. */
  readonly signatures: readonly PackageSignature[];
}

/**
 * Verifies the signatures over the main header, which has the payload's digest. Those over header and payload together (format v3) are listed, not
 * verified: since rpm 4.1 signed packages have the others too.
 */
export async function verifyPackage(head: PackageHead, keyring: Keyring | undefined, signal?: AbortSignal): Promise<PackageSignatureCheck> {
  const signatures = listSignatures(head.signature);
  const verifiedBy = new Set<string>();
  const failures: SignatureCheck['failures'][number][] = [];
  for (const { covers, packet, info } of signatures) {
    if (keyring === undefined || covers !== 'header') continue;
    signal?.throwIfAborted();
    if (info.version !== 3) {
      const check = await verifyDetached(head.headerBytes, packet, { keyring, signal });
      for (const fingerprint of check.verifiedBy) verifiedBy.add(fingerprint);
      failures.push(...check.failures);
      continue;
    }
    const outcome = await verifyVersion3(head.headerBytes, info, keyring);
    if (typeof outcome === 'string') verifiedBy.add(outcome);
    else failures.push(outcome);
  }
  return { signatures, verifiedBy: [...verifiedBy], failures };
}
