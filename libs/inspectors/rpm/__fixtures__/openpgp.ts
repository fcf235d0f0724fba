import { createPrivateKey, createSign } from 'node:crypto';
import { createMessage, generateKey, sign, type PrivateKey } from 'openpgp';

export interface Signer {
  readonly publicKey: string;
  /** Upper-case hex. */
  readonly fingerprint: string;
  /** Binary packet of version 4. */
  sign(data: Buffer): Promise<Buffer>;
  armoredSignature(data: Buffer): Promise<Buffer>;
  /** Binary packet of version 3, as enterprise distributions have them. */
  signVersion3(data: Buffer): Buffer;
}

export async function createSigner(): Promise<Signer> {
  const { privateKey } = await generateKey({ type: 'rsa', rsaBits: 2048, userIDs: [{ name: 'Sample' }], format: 'object' });
  const signed = async (data: Buffer): Promise<Awaited<ReturnType<typeof signature>>> => signature(privateKey, data);
  return {
    publicKey: privateKey.toPublic().armor(),
    fingerprint: privateKey.getFingerprint().toUpperCase(),
    sign: async (data) => Buffer.from((await signed(data)).write()),
    armoredSignature: async (data) => Buffer.from((await signed(data)).armor()),
    signVersion3: (data) => version3(privateKey, data),
  };
}

async function signature(key: PrivateKey, data: Buffer) {
  return sign({ message: await createMessage({ binary: new Uint8Array(data) }), signingKeys: key, detached: true, format: 'object' });
}

type Numbers = Readonly<Record<'n' | 'e' | 'd' | 'p' | 'q' | 'u', Uint8Array>>;

/** RFC 4880, section 5.2.2; no tool at hand makes them any more. */
function version3(key: PrivateKey, data: Buffer): Buffer {
  const { publicParams, privateParams } = key.keyPacket as unknown as { publicParams: Numbers; privateParams: Numbers };
  const created = Buffer.from([0, 0x65, 0, 0, 0]);
  const number = createSign('sha256').update(data).update(created).sign(toPrivateKey({ ...publicParams, ...privateParams }));
  const first = number.findIndex((byte) => byte !== 0);
  const trimmed = number.subarray(first);
  const bits = trimmed.length * 8 - Math.clz32(trimmed[0] as number) + 24;
  const head = Buffer.concat([Buffer.from([3, 5]), created, Buffer.from(key.getKeyID().toHex(), 'hex'), Buffer.from([1, 8, 0, 0, bits >> 8, bits & 255])]);
  const body = Buffer.concat([head, trimmed]);
  return Buffer.concat([Buffer.from([0x89, body.length >> 8, body.length & 255]), body]);
}

function toPrivateKey({ n, e, d, p, q, u }: Numbers) {
  const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  const text = (value: Uint8Array | bigint): string => {
    const hex = typeof value === 'bigint' ? value.toString(16) : Buffer.from(value).toString('hex');
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
  };
  // OpenPGP keeps the inverse of p modulo q, JWK that of q modulo p: so the primes change places.
  const jwk = { kty: 'RSA', n: text(n), e: text(e), d: text(d), p: text(q), q: text(p), dp: text(number(d) % (number(q) - 1n)), dq: text(number(d) % (number(p) - 1n)), qi: text(u) };
  return createPrivateKey({ key: jwk, format: 'jwk' });
}
