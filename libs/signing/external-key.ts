import type { Key, SignaturePacket } from 'openpgp';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError } from '../errors/millrace-error.js';
import { describeFailures, verifyCleartext, verifyDetached } from '../inspectors/openpgp/verify-signatures.js';
import type { Environment } from '../settings/settings.js';
import { checkSigningKey, describeKey, readOpenPgpKey } from './openpgp-key.js';
import type { OpenPgpRequest, OpenPgpSigner } from './openpgp-signer.js';
import { runSigner, unavailable } from './run-signer.js';
import { packetsOfArmour, packetsOfCleartext } from './signed-documents.js';
import type { ExternalKeySettings } from './signing-keys-file.js';

/** Besides what it was given. */
const signatureBytes = 256 * 1024;
/** What programs need to find themselves, their keys and the agents that hold them. */
const handedOn = ['PATH', 'HOME', 'LANG', 'GNUPGHOME', 'XDG_RUNTIME_DIR', 'TMPDIR'] as const;

/** A key whose secret half another program has: an agent, a hardware module, the client of a signing server. What it answers is verified before it is used. */
export async function openExternalKey(name: string, settings: ExternalKeySettings, options: { readonly publicKey: string; readonly environment: Environment }): Promise<OpenPgpSigner> {
  const key = await readOpenPgpKey(name, options.publicKey, 'public');
  return {
    key: await describeKey(name, key, 'external'),
    async sign(request) {
      await checkSigningKey(name, key);
      const answer = await runSigner({
        name,
        command: settings.command.map((part) => (part === '{mode}' ? (request.mode === 'detached' ? '--detach-sign' : '--clearsign') : part)),
        environment: { ...chosen(options.environment, [...handedOn, ...settings.environment]), MILLRACE_SIGNING_KEY: name, MILLRACE_SIGNING_MODE: request.mode },
        input: request.content,
        limits: { milliseconds: settings.timeout * 1000, outputBytes: signatureBytes + (request.mode === 'cleartext' ? 2 * request.content.length : 0) },
        signal: request.signal,
      });
      return readAnswer(name, answer, { key, request });
    },
  };
}

/** The signatures of an answer, if all of them hold. Errors: `signing-unavailable`. */
async function readAnswer(name: string, answer: Buffer, { key, request: { mode, content, signal } }: { readonly key: Key; readonly request: OpenPgpRequest }): Promise<readonly SignaturePacket[]> {
  const options = { keyring: { keys: [key], fingerprints: [key.getFingerprint().toUpperCase()] }, signal };
  try {
    const check = mode === 'detached' ? { ...(await verifyDetached(content, answer, options)), text: content } : await verifyCleartext(answer, options);
    if (!check.text.equals(content)) throw unavailable(name, 'has signed another text than it was given');
    if (check.verifiedBy.length === 0 || check.failures.length > 0) throw unavailable(name, `answers a signature that does not hold: ${describeFailures(check.failures).slice(0, 300)}`);
    const packets = mode === 'detached' ? await packetsOfArmour(answer.toString('latin1')) : await packetsOfCleartext(answer.toString('utf8'));
    refuseExpiring(name, packets);
    return packets;
  } catch (error) {
    signal.throwIfAborted();
    if (isMillraceError(error) && error.code === 'signing-unavailable') throw error;
    throw unavailable(name, `answers no signature: ${errorMessage(error).slice(0, 300)}`);
  }
}

/** An index stays until something changes: with such a signature, its clients would refuse it one day on which nobody has done anything. */
function refuseExpiring(name: string, packets: readonly SignaturePacket[]): void {
  for (const packet of packets) {
    const expires = packet.getExpirationTime();
    if (expires instanceof Date) throw unavailable(name, `makes a signature that expires on ${expires.toISOString()}: have it make those that do not (of GnuPG: no default-sig-expire)`);
  }
}

function chosen(environment: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
}
