import type { InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import type { Assertion } from './assertion.js';
import { encodedKeyOf, isSignedByKey, keyIdOf } from './assertion-signature.js';
import { rootKeys } from './snap-configuration.js';

/** Whose signature an assertion has. */
export type Signer =
  /** By a key whose chain ends in a root key that is configured. */
  | { readonly trust: 'root'; readonly keyId: string }
  /** Right, but no root key is configured, or the chain does not end in one. */
  | { readonly trust: 'unproved'; readonly keyId: string }
  /** By a key that this session has not seen. */
  | { readonly trust: 'unknown-key'; readonly keyId: string };

interface KnownKey {
  /** In base64. */
  readonly encoded: string;
  readonly account: string;
  readonly isRoot: boolean;
  /** The account of the root key at the end of the chain; empty when there is none. */
  readonly rootAccount: string;
  /** Milliseconds since 1970; 0 when it does not end. */
  readonly until: number;
}

/** Types that only the store itself may sign: its account is that of the root key. */
const storeTypes: ReadonlySet<string> = new Set(['account', 'account-key', 'snap-declaration', 'snap-revision', 'store']);

/**
 * Verifies an assertion against the keys of this session, and remembers the key that an `account-key` assertion brings. Throws the
 * reason for a wrong signature, and for a signer who may not sign it.
 */
export async function verifyAssertion(assertion: Assertion, context: InspectionContext): Promise<Signer> {
  const { headers, type } = assertion;
  const keyId = headers['sign-key-sha3-384'] ?? '';
  if (!/^[A-Za-z0-9_-]{64}$/.test(keyId)) throw refusal(`the ${type} assertion names no key that signed it`);
  const roots = rootKeys(context.configuration);
  const brought = type === 'account-key' ? readAccountKey(assertion, roots) : undefined;
  const key = brought?.id === keyId ? brought.key : await findKey(context, keyId);
  if (key === undefined) return { trust: 'unknown-key', keyId };
  if (!isSignedByKey(assertion, Buffer.from(key.encoded, 'base64'))) throw refusal(`the signature of the ${type} assertion is not by the key ${keyId}`);
  if (key.account !== headers['authority-id'])
    throw refusal(`the ${type} assertion is signed by a key of ${JSON.stringify(key.account)}, which is not its authority`);
  if (key.until !== 0 && key.until < Date.now()) throw refusal(`the ${type} assertion is signed by a key that has expired`);
  const isProved = key.rootAccount !== '';
  if (isProved && storeTypes.has(type) && key.account !== key.rootAccount)
    throw refusal(`the ${type} assertion is signed by ${JSON.stringify(key.account)}, which only the store may do`);
  if (brought !== undefined) await rememberKey(context, brought.id, { ...brought.key, rootAccount: isProved ? key.rootAccount : '' });
  return { trust: isProved ? 'root' : 'unproved', keyId };
}

/** The key that an `account-key` assertion brings; a root key vouches for itself, since its id is its digest. */
function readAccountKey(assertion: Assertion, roots: ReadonlySet<string>): { id: string; key: KnownKey } {
  const encoded = encodedKeyOf(assertion);
  const id = keyIdOf(encoded);
  const { headers } = assertion;
  if (headers['public-key-sha3-384'] !== id) throw refusal('the account-key assertion has another key than its id says');
  const account = headers['account-id'] ?? '';
  if (account === '') throw refusal('the account-key assertion names no account');
  const until = headers['until'] === undefined ? 0 : Date.parse(headers['until']);
  if (Number.isNaN(until)) throw refusal('the account-key assertion has an end that is no date');
  const isRoot = roots.has(id);
  return { id, key: { encoded: encoded.toString('base64'), account, isRoot, rootAccount: isRoot ? account : '', until } };
}

/** A key once proved is never replaced by the same key less well proved. */
async function rememberKey(context: InspectionContext, id: string, key: KnownKey): Promise<void> {
  const known = await findKey(context, id);
  if (known !== undefined && known.rootAccount !== '' && key.rootAccount === '') return;
  context.signal?.throwIfAborted();
  await context.knowledge.put(`snap/key/${id}`, JSON.stringify(key));
}

async function findKey({ knowledge }: InspectionContext, id: string): Promise<KnownKey | undefined> {
  const value = await knowledge.get(`snap/key/${id}`);
  return value === undefined ? undefined : (JSON.parse(value) as KnownKey); // written by this file only
}
