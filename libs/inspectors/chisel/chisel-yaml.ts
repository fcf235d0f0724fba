import { readKey } from 'openpgp';
import { isRecord, own } from '../../inspection/bounded-json.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { readYaml } from '../documents/bounded-yaml.js';

export const chiselYamlLimit = 256 * 1024;

/** What `chisel.yaml` says, see the reference of chisel, "chisel.yaml". */
export interface ChiselYaml {
  readonly format: string;
  /** Versions of the distribution that its archives have. */
  readonly versions: readonly string[];
  /** Fingerprints of the keys of its archives, in upper-case hex. */
  readonly fingerprints: readonly string[];
}

const formats: ReadonlySet<string> = new Set(['chisel-v1', 'v1', 'v2', 'v3']);
const maxKeys = 16;

/** Reads `chisel.yaml`. Throws the reason for one without archives, of an unknown format, or with a key that cannot be read. */
export async function parseChiselYaml(bytes: Buffer): Promise<ChiselYaml> {
  const document = readYaml(bytes, 'chisel.yaml');
  const format = own(document, 'format');
  if (typeof format !== 'string' || !formats.has(format)) throw refusal('chisel.yaml has an unknown format');
  const archives = own(document, 'archives');
  const entries = isRecord(archives) ? Object.values(archives).filter(isRecord) : [];
  if (entries.length === 0) throw refusal('chisel.yaml names no archives');
  const versions = entries.map((entry) => own(entry, 'version')).filter((version): version is string => typeof version === 'string');
  return { format, versions: [...new Set(versions)], fingerprints: await readKeys(own(document, 'public-keys') ?? own(document, 'v1-public-keys')) };
}

async function readKeys(keys: unknown): Promise<readonly string[]> {
  const entries = isRecord(keys) ? Object.values(keys) : [];
  if (entries.length > maxKeys) throw limitExceeded(`chisel.yaml has more than ${maxKeys} public keys`);
  const fingerprints: string[] = [];
  for (const entry of entries) {
    const armor = isRecord(entry) ? own(entry, 'armor') : undefined;
    if (typeof armor !== 'string') throw refusal('chisel.yaml has a public key without an armor');
    fingerprints.push(await fingerprintOf(armor, 'a public key of chisel.yaml'));
  }
  return fingerprints;
}

/** Fingerprint of an armoured OpenPGP key in upper-case hex. Throws the reason, naming `what`, for what is none. */
export async function fingerprintOf(armor: string, what: string): Promise<string> {
  try {
    return (await readKey({ armoredKey: armor })).getFingerprint().toUpperCase();
  } catch (cause) {
    throw refusal(`${what} is not an OpenPGP key`, cause);
  }
}
