import { createHmac, randomBytes, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

const { asn1, pkcs12 } = forge;
type Node = forge.asn1.Asn1;

const oids = {
  data: '1.2.840.113549.1.7.1',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  /** Oracle's: without it Java reads the certificate and trusts it for nothing. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
  sha256: '2.16.840.1.101.3.4.2.1',
};
const iterations = 10_000;

/**
 * A PKCS#12 trust store with one certificate, readable by Java 8 (8u301) and later and by OpenSSL. The certificate is public and so not
 * encrypted; the password keys the MAC only. Built from forge's ASN.1, because forge's own writer knows neither EC certificates nor Java's attribute.
 */
export function toPkcs12(pem: string, password: string, alias = 'millrace'): Buffer {
  const certificate = new X509Certificate(pem);
  const bag = sequence([
    oid(oids.certificateBag),
    explicit(0, sequence([oid(oids.x509), explicit(0, octets(certificate.raw))])),
    set([
      sequence([oid(oids.friendlyName), set([asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BMPSTRING, false, alias)])]),
      sequence([oid(oids.trustedKeyUsage), set([oid(oids.anyExtendedKeyUsage)])]),
    ]),
  ]);
  const authSafe = der(sequence([dataOf(der(sequence([bag])))]));
  return der(sequence([integer(3), dataOf(authSafe), macOf(authSafe, password)]));
}

function macOf(content: Buffer, password: string): Node {
  const salt = randomBytes(20);
  const key = pkcs12.generateKey(password, forge.util.createBuffer(salt.toString('latin1')), 3, iterations, 32, forge.md.sha256.create());
  const mac = createHmac('sha256', Buffer.from(key.getBytes(), 'latin1')).update(content).digest();
  const algorithm = sequence([oid(oids.sha256), asn1.create(asn1.Class.UNIVERSAL, asn1.Type.NULL, false, '')]);
  return sequence([sequence([algorithm, octets(mac)]), octets(salt), integer(iterations)]);
}

function dataOf(content: Buffer): Node {
  return sequence([oid(oids.data), explicit(0, octets(content))]);
}

function der(node: Node): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
}

function sequence(items: Node[]): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, items);
}

function set(items: Node[]): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, items);
}

function explicit(tag: number, item: Node): Node {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, true, [item]);
}

function oid(value: string): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(value).getBytes());
}

function octets(bytes: Buffer): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, bytes.toString('latin1'));
}

function integer(value: number): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.INTEGER, false, asn1.integerToDer(value).getBytes());
}
