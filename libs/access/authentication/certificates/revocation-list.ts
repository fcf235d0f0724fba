import forge from 'node-forge';
import { MillraceError } from '../../../errors/millrace-error.js';

/** What an authority has revoked (RFC 5280, section 5). */
export interface RevocationList {
  /** Hex of the name's DER, as `issuerOf` has it. */
  readonly issuer: string;
  /** Lower-case hex without leading zeros, as `normalSerial` has it. */
  readonly serials: ReadonlySet<string>;
  /** Milliseconds since 1970; Infinity: it says nothing of its end. */
  readonly until: number;
}

type Node = forge.asn1.Asn1;

const { asn1 } = forge;

/** Of a PEM block. Its signature is for TLS to verify, which refuses every client by a list that is forged. Errors: `invalid-setting`. */
export function readRevocationList(pem: string): RevocationList {
  try {
    const parts = partsOf(partsOf(parse(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')))[0]);
    // Lists of the first version say no version.
    const [, issuer, , ...more] = parts[0]?.type === asn1.Type.INTEGER ? parts.slice(1) : parts;
    const next = more[0]?.type === asn1.Type.UTCTIME || more[0]?.type === asn1.Type.GENERALIZEDTIME ? more.shift() : undefined;
    const entries = more[0]?.type === asn1.Type.SEQUENCE && more[0].tagClass === asn1.Class.UNIVERSAL ? partsOf(more[0]) : [];
    return { issuer: encoded(issuer), serials: new Set(entries.map((entry) => serialOf(partsOf(entry)[0]))), until: next === undefined ? Infinity : timeOf(next) };
  } catch (cause) {
    throw new MillraceError('invalid-setting', 'a revocation list cannot be read: it is no DER of RFC 5280', { cause });
  }
}

/** Of a certificate: hex of the DER of its issuer's name. */
export function issuerOf(der: Buffer): string {
  const parts = partsOf(partsOf(parse(der))[0]);
  // Certificates of the first version say no version.
  return encoded(parts[0]?.tagClass === asn1.Class.CONTEXT_SPECIFIC ? parts[3] : parts[2]);
}

export function normalSerial(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, '');
}

function parse(der: Buffer): Node {
  return asn1.fromDer(der.toString('binary'), { strict: true, parseAllBytes: false, decodeBitStrings: false } as never);
}

function partsOf(node: Node | undefined): Node[] {
  if (!Array.isArray(node?.value)) throw new Error('a sequence was expected');
  return [...node.value];
}

function encoded(node: Node | undefined): string {
  if (node === undefined) throw new Error('a name was expected');
  return asn1.toDer(node).toHex();
}

function serialOf(node: Node | undefined): string {
  if (typeof node?.value !== 'string') throw new Error('a number was expected');
  return normalSerial(Buffer.from(node.value, 'binary').toString('hex'));
}

function timeOf({ type, value }: Node): number {
  const date = type === asn1.Type.UTCTIME ? asn1.utcTimeToDate(value as string) : asn1.generalizedTimeToDate(value as string);
  return date.getTime();
}
