import { createHash, X509Certificate } from 'node:crypto';

const magic = 0xfeedfeed;
const version = 2;
const trustedCertificate = 2;
/** Sun's own salt, part of the format. */
const whitener = 'Mighty Aphrodite';

/** A Java key store (JKS, for Java before 9 and tools that insist) with one trusted certificate. The password only guards against accidents. */
export function toJks(pem: string, password: string, alias = 'millrace'): Buffer {
  const certificate = new X509Certificate(pem);
  const content = Buffer.concat([
    uint32(magic),
    uint32(version),
    uint32(1),
    uint32(trustedCertificate),
    modifiedUtf8(alias),
    uint64(certificate.validFromDate.getTime()),
    modifiedUtf8('X.509'),
    uint32(certificate.raw.length),
    certificate.raw,
  ]);
  const digest = createHash('sha1').update(Buffer.from(password, 'utf16le').swap16()).update(whitener).update(content).digest();
  return Buffer.concat([content, digest]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** For the ASCII that is written here, Java's modified UTF-8 is ASCII behind a length of two bytes. */
function modifiedUtf8(text: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([length, Buffer.from(text, 'ascii')]);
}
