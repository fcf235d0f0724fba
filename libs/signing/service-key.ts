import { createCleartextMessage, createMessage, decryptKey, sign, type Key, type PrivateKey } from 'openpgp';
import { checkSigningKey, describeKey, readOpenPgpKey, signingRules, wrongKey } from './openpgp-key.js';
import type { OpenPgpSigner } from './openpgp-signer.js';
import { packetsOfArmour, packetsOfCleartext } from './signed-documents.js';

export interface SecretKeyText {
  readonly armoured: string;
  readonly password: string | undefined;
}

/** A key whose secret half the service has. Errors: `invalid-setting` (no secret key, a wrong password), without a word of either. */
export async function openServiceKey(name: string, secret: SecretKeyText): Promise<OpenPgpSigner> {
  const locked = (await readOpenPgpKey(name, secret.armoured, 'secret')) as PrivateKey;
  const key = await unlock(name, locked, secret.password);
  return {
    key: await describeKey(name, key, 'service'),
    async sign({ mode, content, at }) {
      await checkSigningKey(name, key);
      const options = { signingKeys: key, date: notBefore(key, at), config: signingRules } as const;
      if (mode === 'detached') {
        const message = await createMessage({ binary: new Uint8Array(content) });
        return packetsOfArmour((await sign({ ...options, message, detached: true, format: 'armored' })) as string);
      }
      const message = await createCleartextMessage({ text: content.toString('utf8').replace(/\n$/, '') });
      return packetsOfCleartext(await sign({ ...options, message, format: 'armored' }));
    },
  };
}

async function unlock(name: string, key: PrivateKey, password: string | undefined): Promise<PrivateKey> {
  if (key.isDecrypted()) return key;
  if (password === undefined) throw wrongKey(name, 'its secret key has a password, and none is given', 'Name the password with password: {file: …} or password: {env: …}.');
  try {
    return await decryptKey({ privateKey: key, passphrase: password });
  } catch {
    throw wrongKey(name, 'the password does not open its secret key');
  }
}

/** A signature that is older than its key, or than what binds its subkey, is believed by nobody. The same key always gives the same moment. */
function notBefore(key: Key, at: Date): Date {
  const subkeys = key.getSubkeys();
  const bindings = [...key.users.flatMap(({ selfCertifications }) => selfCertifications), ...subkeys.flatMap(({ bindingSignatures }) => bindingSignatures)];
  const made = [key.getCreationTime(), ...subkeys.map((subkey) => subkey.getCreationTime()), ...bindings.flatMap(({ created }) => (created === null ? [] : [created]))];
  return new Date(Math.max(at.getTime(), ...made.map((date) => date.getTime())));
}
