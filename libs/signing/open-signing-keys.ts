import { createHash } from 'node:crypto';
import { enums, type SignaturePacket } from 'openpgp';
import { MillraceError } from '../errors/millrace-error.js';
import { readSecret, readText } from '../settings-file/read-secret.js';
import { readSettingsFile } from '../settings-file/read-settings-file.js';
import type { Environment, Settings } from '../settings/settings.js';
import { openExternalKey } from './external-key.js';
import { madeKeyName, readMadeKey, readOrMakeKey } from './made-key.js';
import type { OpenPgpRequest, OpenPgpSigner } from './openpgp-signer.js';
import { openMinisignKey, type MinisignSigner } from './minisign-key.js';
import { openServiceKey } from './service-key.js';
import { cleartextLines, joinSignatures, writeCleartext } from './signed-documents.js';
import type { SigningKey, SigningKeys, SigningTime } from './signer.js';
import { signingKeysFile, type KeySettings, type ServiceKeySettings } from './signing-keys-file.js';

type SigningSettings = Pick<Settings, 'home' | 'repositoryKeysFile'>;

/** Of one repository: an old and a new key sign together while clients learn the new one. */
const keysAtOnce = 16;

/**
 * Reads the file of MILLRACE_REPOSITORY_KEYS at once, so that mistakes show at the start, and again with the secrets at every use, so that keys are changed
 * without a restart. A key `default` that the file does not name is made at its first use, in `keys/` of MILLRACE_HOME. Errors: `invalid-setting`.
 */
export async function openSigningKeys(settings: SigningSettings, environment: Environment): Promise<SigningKeys> {
  const closing = new AbortController();
  const remembered = remembering<OpenPgpSigner>();
  const rememberedMinisign = remembering<MinisignSigner>();
  await readKeys();

  async function readKeys(): Promise<Readonly<Record<string, KeySettings>>> {
    return settings.repositoryKeysFile === undefined ? {} : (await readSettingsFile(settings.repositoryKeysFile, signingKeysFile)).keys;
  }

  async function openKey(name: string, key: KeySettings): Promise<OpenPgpSigner> {
    if ('command' in key) {
      const publicKey = await readText(key['public-key'].file);
      return remembered(name, [JSON.stringify(key), publicKey], () => openExternalKey(name, key, { publicKey, environment }));
    }
    const armoured = await readSecret(key['secret-key'], environment);
    const password = key.password === undefined ? undefined : await readSecret(key.password, environment);
    return remembered(name, [armoured, password], () => openServiceKey(name, { armoured, password }));
  }

  async function openMinisign(name: string, key: ServiceKeySettings): Promise<MinisignSigner> {
    const text = await readSecret(key['secret-key'], environment);
    const password = key.password === undefined ? undefined : await readSecret(key.password, environment);
    return rememberedMinisign(name, [text, password], () => openMinisignKey(name, { text, password }));
  }

  async function openMadeKey(make: boolean): Promise<OpenPgpSigner | undefined> {
    const armoured = make ? await readOrMakeKey(settings.home) : await readMadeKey(settings.home);
    if (armoured === undefined) return undefined;
    return remembered(madeKeyName, [armoured], () => openServiceKey(madeKeyName, { armoured, password: undefined }));
  }

  async function openOne(name: string, keys: Readonly<Record<string, KeySettings>>): Promise<OpenPgpSigner> {
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (key?.kind === 'minisign') throw new MillraceError('key-not-found', `the key ${name} is one of minisign, and OpenPGP is asked for`, { suggestion: 'Give repositories of rpm-md and deb keys of kind openpgp.' });
    if (key !== undefined) return openKey(name, key);
    const made = name === madeKeyName ? await openMadeKey(true) : undefined;
    if (made !== undefined) return made;
    throw new MillraceError('key-not-found', `there is no key ${name.slice(0, 100)}`, { suggestion: 'Name it in the file of MILLRACE_REPOSITORY_KEYS, or take it out of the settings of the repository.' });
  }

  async function signaturesOf(names: readonly string[], request: Omit<OpenPgpRequest, 'at' | 'signal'>, about: SigningTime | undefined): Promise<readonly SignaturePacket[]> {
    if (names.length === 0 || names.length > keysAtOnce) throw new MillraceError('invalid-request', `a document is signed with 1 to ${keysAtOnce} keys, not with ${names.length}`);
    const keys = await readKeys();
    const at = about === undefined ? new Date() : new Date(about.at);
    const signatures = await Promise.all([...new Set(names)].map(async (name) => (await openOne(name, keys)).sign({ ...request, at, signal: closing.signal })));
    return signatures.flat();
  }

  return {
    async list() {
      const keys = await readKeys();
      const listed: SigningKey[] = [];
      for (const [name, key] of Object.entries(keys)) listed.push((key.kind === 'minisign' ? await openMinisign(name, key) : await openKey(name, key)).key);
      const made = Object.hasOwn(keys, madeKeyName) ? undefined : await openMadeKey(false);
      if (made !== undefined) listed.push(made.key);
      return listed.sort((one, other) => (one.name < other.name ? -1 : 1));
    },
    detached: async (names, content, about) => joinSignatures(await signaturesOf(names, { mode: 'detached', content }, about)),
    async cleartext(names, text, about) {
      const lines = cleartextLines(text);
      const signatures = await signaturesOf(names, { mode: 'cleartext', content: Buffer.from(lines) }, about);
      return writeCleartext(lines, signatures, signatures.map(hashOf));
    },
    async minisign(name, content, about) {
      const keys = await readKeys();
      const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
      if (key?.kind === 'minisign') return (await openMinisign(name, key)).sign(content, about);
      const what = key === undefined ? `there is no key ${name.slice(0, 100)}` : `the key ${name} is one of OpenPGP, and minisign is asked for`;
      throw new MillraceError('key-not-found', what, { suggestion: 'Name a key of kind minisign in the file of MILLRACE_REPOSITORY_KEYS, and in the settings of the repository.' });
    },
    async close() {
      closing.abort(new MillraceError('signing-unavailable', 'the service is stopping'));
    },
  };
}

/** Opening costs what the password's protection costs: once, until the file or its secrets change. */
function remembering<Signer>() {
  const opened = new Map<string, { readonly secrets: string; readonly signer: Signer }>();
  return async (name: string, parts: readonly (string | undefined)[], open: () => Promise<Signer>): Promise<Signer> => {
    const secrets = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
    const known = opened.get(name);
    if (known?.secrets === secrets) return known.signer;
    const signer = await open();
    opened.set(name, { secrets, signer });
    return signer;
  };
}

/** As the header of a cleartext message names it. */
function hashOf({ hashAlgorithm }: SignaturePacket): string {
  return enums.read(enums.hash, hashAlgorithm ?? enums.hash.sha512).toUpperCase();
}
