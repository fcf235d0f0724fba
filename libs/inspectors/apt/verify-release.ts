import type { InspectedRequest, InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readKeyring, type Keyring } from '../openpgp/keyring.js';
import { describeFailures, type SignatureCheck, type VerifyOptions } from '../openpgp/verify-signatures.js';
import { readAptConfiguration, type AptConfiguration } from './apt-configuration.js';
import { matchRepository } from './configured-repository.js';
import { rememberRelease, toKnownRelease, type KnownRelease } from './known-releases.js';
import { readMachineKeyrings } from './machine-keyrings.js';
import { parseRelease, whyNotCurrent, type Release } from '../../deb/release-file.js';

/** A Release file whose signature holds, or why it does not count. */
export type ReleaseOutcome =
  | { readonly release: Release; readonly signedBy: readonly string[] }
  | { readonly opinion: 'Rejected' | 'Unknown'; readonly reason: string };

interface Subject {
  readonly request: InspectedRequest;
  readonly context: InspectionContext;
  /** Directory of the Release file, as URL path. */
  readonly base: string;
  /** What is believed of the file once the signature holds. */
  readonly text: Buffer;
}

/** Verifies the signature of a Release file against the keys that count for its repository, and remembers what it declares. */
export async function verifyRelease(subject: Subject, verify: (options: VerifyOptions) => Promise<SignatureCheck>): Promise<ReleaseOutcome> {
  const { request, context, base, text } = subject;
  const configuration = readAptConfiguration(context.configuration);
  const trust = await findTrust(configuration, { origin: request.origin, base, suites: suitesClaimed(text) });
  if ('opinion' in trust) return trust;
  const { allowWeakKeys, allowExpiredKeys } = configuration;
  const check = await verify({ keyring: trust.keyring, allowWeakKeys, allowExpiredKeys, signal: context.signal });
  const refused = whyNotVerified(check, trust.source);
  if (refused !== undefined) return refused;
  const release = await parseRelease(text);
  const stale = configuration.checkDates ? whyNotCurrent(release, Date.now()) : undefined;
  if (stale !== undefined) return { opinion: 'Rejected', reason: `the Release file is signed, but ${stale}` };
  context.signal?.throwIfAborted();
  const known: Pick<KnownRelease, 'base' | 'signedBy' | 'allowedComponents'> = {
    base,
    signedBy: check.verifiedBy,
    ...(trust.components.length > 0 ? { allowedComponents: trust.components } : {}),
  };
  await rememberRelease(context.knowledge, request.origin, toKnownRelease(release, known));
  return { release, signedBy: check.verifiedBy };
}

/** A repository may be configured by the names that the file gives itself. They only choose the key that it must then be signed by. */
function suitesClaimed(text: Buffer): readonly string[] {
  return [...text.toString('latin1', 0, 4096).matchAll(/^(?:Suite|Codename):[ \t]*([^\s]+)[ \t\r]*$/gm)].map((match) => match[1] ?? '');
}

interface Trust {
  readonly keyring: Keyring;
  /** For reasons. */
  readonly source: string;
  readonly components: readonly string[];
}

async function findTrust(
  configuration: AptConfiguration,
  place: { origin: string; base: string; suites: readonly string[] },
): Promise<Trust | { readonly opinion: 'Rejected' | 'Unknown'; readonly reason: string }> {
  const match = matchRepository(configuration.repositories, place);
  if (match !== undefined && 'otherSuite' in match)
    return { opinion: 'Rejected', reason: `apt.repositories.${match.otherSuite.name} of the session's configuration does not have this suite` };
  if (match === undefined) {
    if (!configuration.machineKeyrings) return { opinion: 'Unknown', reason: `no repository of the session's configuration has this URL: add it to apt.repositories, with its public-key` };
    return { keyring: await readMachineKeyrings(), source: 'the keyrings of the machine that the proxy runs on', components: [] };
  }
  const { name, publicKey, components } = match.repository;
  if (publicKey === undefined) return { keyring: await readMachineKeyrings(), source: 'the keyrings of the machine that the proxy runs on', components };
  return { keyring: await readConfiguredKey(name, publicKey), source: `the public-key of apt.repositories.${name}`, components };
}

async function readConfiguredKey(name: string, publicKey: string): Promise<Keyring> {
  try {
    return await readKeyring(Buffer.from(publicKey));
  } catch (error) {
    throw refusal(`the session's inspectors-configuration is wrong: apt.repositories.${name}.public-key is no OpenPGP public key`, error);
  }
}

/** As apt: one good signature is needed, keys that nobody knows are passed over, one that contradicts the file is never. */
function whyNotVerified({ verifiedBy, failures }: SignatureCheck, source: string): { opinion: 'Rejected' | 'Unknown'; reason: string } | undefined {
  const bad = failures.filter(({ kind }) => kind === 'bad');
  if (bad.length > 0) return { opinion: 'Rejected', reason: `the signature of the Release file does not hold: the file was changed after it was signed (${describeFailures(bad)})` };
  if (verifiedBy.length > 0) return undefined;
  if (failures.every(({ kind }) => kind === 'unknown-key'))
    return {
      opinion: 'Unknown',
      reason: `the Release file is signed by ${failures.map(({ keyId }) => keyId).join(', ')}, which is not in ${source}: add the key of the archive as public-key of a repository in apt.repositories`,
    };
  return { opinion: 'Rejected', reason: `the Release file has no signature that counts: ${describeFailures(failures)}` };
}
