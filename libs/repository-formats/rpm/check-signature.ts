import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { errorMessage } from '../../errors/error-message.js';
import { MillraceError } from '../../errors/millrace-error.js';
import { refusal } from '../../inspection/refusal.js';
import { readKeyring, type Keyring } from '../../inspectors/openpgp/keyring.js';
import { describeFailures } from '../../inspectors/openpgp/verify-signatures.js';
import { verifyPackage } from '../../inspectors/rpm/verify-package.js';
import type { RpmSettings } from '../../repository/repository.js';
import { isSameKey } from '../../rpm/package/key-ids.js';
import type { PackageHead } from '../../rpm/package/package-file.js';
import { listSignatures } from '../../rpm/package/signatures.js';

/** By digest of their text: reading one takes milliseconds a key, and each package needs it. */
const keyrings = new LRUCache<string, Promise<Keyring>>({ max: 16 });

/**
 * Whether the repository takes a package with these signatures: one by a key of `packageKeys`, and with `packagePublicKeys` one that holds. Without either, any.
 * Throws a reason. Errors also: `invalid-setting` (the public keys cannot be read).
 */
export async function checkSignature(head: PackageHead, { packageKeys, packagePublicKeys }: Pick<RpmSettings, 'packageKeys' | 'packagePublicKeys'>, signal?: AbortSignal): Promise<void> {
  if (packagePublicKeys !== undefined && packagePublicKeys !== '') return checkVerified(head, { packageKeys, keyring: await keyringOf(packagePublicKeys) }, signal);
  const ids = listSignatures(head.signature).map(({ info }) => info.keyId).filter((id) => id !== '');
  if (packageKeys.length === 0 || ids.some((id) => isAllowed(id, packageKeys))) return;
  throw refusal(`${describeSigners(ids)}, and the repository takes packages only that ${packageKeys.join(' or ')} has signed`);
}

async function checkVerified(head: PackageHead, { packageKeys, keyring }: { readonly packageKeys: readonly string[]; readonly keyring: Keyring }, signal?: AbortSignal): Promise<void> {
  const { signatures, verifiedBy, failures } = await verifyPackage(head, keyring, signal);
  const bad = failures.filter(({ kind }) => kind === 'bad');
  if (bad.length > 0) throw refusal(`a signature of the package does not hold: ${describeFailures(bad)}`);
  const allowed = verifiedBy.filter((fingerprint) => packageKeys.length === 0 || partsOf(keyring, fingerprint).some((part) => isAllowed(part, packageKeys)));
  if (allowed.length > 0) return;
  const why = failures.length > 0 ? ` (${describeFailures(failures)})` : '';
  throw refusal(`${describeSigners(signatures.map(({ info }) => info.keyId))}${why}: no key that the repository takes packages of`);
}

/** Fingerprints of a key and its subkeys: either may be named in the settings. */
function partsOf(keyring: Keyring, fingerprint: string): readonly string[] {
  const key = keyring.keys.find((each) => each.getFingerprint().toUpperCase() === fingerprint);
  return key === undefined ? [fingerprint] : key.getKeys().map((part) => part.getFingerprint().toUpperCase());
}

function isAllowed(key: string, packageKeys: readonly string[]): boolean {
  return packageKeys.some((allowed) => isSameKey(key, allowed));
}

function describeSigners(ids: readonly string[]): string {
  const named = [...new Set(ids)].filter((id) => id !== '');
  return named.length === 0 ? 'the package is not signed' : `the package is signed by ${named.join(', ')}`;
}

function keyringOf(text: string): Promise<Keyring> {
  const key = hash('sha256', text);
  const known = keyrings.get(key);
  if (known !== undefined) return known;
  const read = readKeyring(Buffer.from(text)).catch((cause: unknown) => {
    throw new MillraceError('invalid-setting', `the public keys of packages cannot be read: ${errorMessage(cause)}`, { cause, suggestion: 'Give armoured OpenPGP public keys, as gpg --armor --export writes them.' });
  });
  keyrings.set(key, read);
  return read;
}
