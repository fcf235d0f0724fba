import { isRecord, own } from '../../inspection/bounded-json.js';
import type { InspectedRequest, InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { normalisePath } from '../declarations/declared-url.js';
import { readKeyring } from '../openpgp/keyring.js';
import { describeFailures, signedByMetadata, verifyDetached } from '../openpgp/verify-signatures.js';
import type { FileExchange } from './file-exchange.js';

/** The whole file is in memory while its signature is verified. */
const signedFileLimit = 256 * 1024 * 1024;

export type SignatureOutcome =
  | { readonly kind: 'none' }
  /** As in the metadata: `openpgp:<FINGERPRINT>`, separated by spaces. */
  | { readonly kind: 'good'; readonly signedBy: string }
  | { readonly kind: 'bad'; readonly reason: string };

/**
 * Verifies a file against the keys of the session's configuration (`maven.public-key`), with the `.asc` file that the build asked for or that the proxy
 * fetches. `none`: no key is configured, the file has no signature, or it has only those of other keys, as most of a build's files do.
 */
export async function verifyFile({ request, body, context }: Omit<FileExchange, 'response'>): Promise<SignatureOutcome> {
  const publicKey = configuredKey(context);
  if (publicKey === undefined) return { kind: 'none' };
  const signature = await findSignature(request, context);
  if (signature === undefined) return { kind: 'none' };
  const keyring = await readConfigured(publicKey);
  const check = await verifyDetached(await body.read(signedFileLimit), Buffer.from(signature), { keyring, signal: context.signal });
  const bad = check.failures.filter(({ kind }) => kind === 'bad');
  if (bad.length > 0) return { kind: 'bad', reason: describeFailures(bad) };
  return check.verifiedBy.length === 0 ? { kind: 'none' } : { kind: 'good', signedBy: signedByMetadata(check.verifiedBy) };
}

export function rememberSignature(knowledge: SessionKnowledge, origin: string, subject: string, armored: string): Promise<void> {
  return knowledge.put(signatureKey(origin, subject), armored);
}

async function findSignature(request: InspectedRequest, { knowledge, consult }: InspectionContext): Promise<string | undefined> {
  const key = signatureKey(request.origin, request.path);
  const known = await knowledge.get(key);
  if (known !== undefined) return known;
  const query = request.query === '' ? '' : `?${request.query}`;
  await consult?.(`${request.origin}${request.path}.asc${query}`);
  return knowledge.get(key);
}

function configuredKey({ configuration }: InspectionContext): string | undefined {
  const maven = own(configuration, 'maven');
  const publicKey = isRecord(maven) ? own(maven, 'public-key') : undefined;
  if (publicKey !== undefined && typeof publicKey !== 'string') throw refusal("the session's inspectors-configuration is wrong: maven.public-key is no text");
  return publicKey;
}

async function readConfigured(publicKey: string): ReturnType<typeof readKeyring> {
  try {
    return await readKeyring(Buffer.from(publicKey));
  } catch (error) {
    throw refusal("the session's inspectors-configuration is wrong: maven.public-key is no OpenPGP public key", error);
  }
}

function signatureKey(origin: string, subject: string): string {
  return `maven/signature/${origin}${normalisePath(subject)}`;
}
