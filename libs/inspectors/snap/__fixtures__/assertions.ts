import { createHash } from 'node:crypto';
import { createMessage, enums, generateKey, sign, type PrivateKey } from 'openpgp';

/** A key as stores have them, and the account that it is of. */
export interface AssertionKey {
  readonly id: string;
  readonly account: string;
  /** The encoding that the id is the digest of. */
  readonly encoded: Buffer;
  readonly key: PrivateKey;
}

export async function createAssertionKey(account: string): Promise<AssertionKey> {
  const { privateKey: key } = await generateKey({ type: 'rsa', rsaBits: 2048, userIDs: [{ name: account }], format: 'object' });
  const body = Buffer.from(key.toPublic().keyPacket.write());
  const size = body.length - 192;
  const encoded = Buffer.concat([Buffer.from([1, 0xc6, 192 + (size >> 8), size & 0xff]), body]);
  return { id: createHash('sha3-384').update(encoded).digest('base64url'), account, encoded, key };
}

/** An assertion of this type with these headers, signed; `body` is the text of it. */
export async function createAssertion(signer: AssertionKey, type: string, headers: Readonly<Record<string, string>>, body = ''): Promise<Buffer> {
  const all = {
    type,
    'authority-id': signer.account,
    ...headers,
    ...(body === '' ? {} : { 'body-length': String(body.length) }),
    'sign-key-sha3-384': signer.id,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const signed = Buffer.from(lines.join('\n') + (body === '' ? '' : `\n\n${body}`));
  const message = await createMessage({ binary: new Uint8Array(signed) });
  const config = { preferredHashAlgorithm: enums.hash.sha512 };
  const signature = await sign({ message, signingKeys: signer.key, detached: true, format: 'binary', config });
  const text = Buffer.concat([Buffer.from([1]), Buffer.from(signature)]).toString('base64');
  return Buffer.concat([signed, Buffer.from(`\n\n${text.replaceAll(/(.{76})/g, '$1\n')}\n`)]);
}

export function createAccountKey(signer: AssertionKey, subject: AssertionKey): Promise<Buffer> {
  const headers = { 'public-key-sha3-384': subject.id, 'account-id': subject.account, name: 'sample', since: '2020-01-01T00:00:00Z' };
  return createAssertion(signer, 'account-key', headers, subject.encoded.toString('base64').replaceAll(/(.{76})/g, '$1\n'));
}
