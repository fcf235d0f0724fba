import protobuf from 'protobufjs';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { isHexName, isHexVersion } from './hex-id.js';

export interface SignedMessage {
  readonly payload: Buffer;
  /** RSA-SHA512 of the payload; empty when there is none. */
  readonly signature: Buffer;
}

/** One release in the document of a package; digests in lower-case hex. */
export interface IndexedRelease {
  readonly version: string;
  /** SHA-256 of the whole tarball; empty in documents of the first years. */
  readonly outer: string;
  /** SHA-256 of version, metadata and contents. */
  readonly inner: string;
  readonly retired: boolean;
}

const field = (type: string, id: number, rule?: 'repeated' | 'required'): { type: string; id: number; rule?: string } => (rule === undefined ? { type, id } : { type, id, rule });

/** The fields of the registry format, version 2, that are looked at; protobuf passes over the others. */
const root = protobuf.Root.fromJSON({
  nested: {
    Signed: { fields: { payload: field('bytes', 1, 'required'), signature: field('bytes', 2) } },
    ListedPackage: { fields: { name: field('string', 1, 'required') } },
    /** Of `/names` and `/versions`. */
    List: { fields: { packages: field('ListedPackage', 1, 'repeated'), repository: field('string', 2, 'required') } },
    RetirementStatus: { fields: { reason: field('int32', 1) } },
    Release: {
      fields: { version: field('string', 1, 'required'), inner: field('bytes', 2, 'required'), retired: field('RetirementStatus', 4), outer: field('bytes', 5) },
    },
    Package: { fields: { releases: field('Release', 1, 'repeated'), name: field('string', 2, 'required'), repository: field('string', 3, 'required') } },
  },
});

const maxReleases = 50_000;
const digestLength = 32;

export function readSigned(bytes: Buffer): SignedMessage {
  const message = decode('Signed', bytes) as { payload: Uint8Array; signature?: Uint8Array };
  return { payload: Buffer.from(message.payload), signature: Buffer.from(message.signature ?? []) };
}

/** Releases in the document of a package. Throws the reason when it is another package's, or malformed. */
export function readPackage(payload: Buffer, name: string): { readonly repository: string; readonly releases: readonly IndexedRelease[] } {
  const document = decode('Package', payload) as { name: string; repository: string; releases: { version: string; inner: Uint8Array; outer?: Uint8Array; retired?: object }[] };
  if (document.name !== name) throw refusal(`the package document is not that of ${name}`);
  if (document.releases.length > maxReleases) throw limitExceeded(`the package document has more than ${maxReleases} releases`);
  const seen = new Set<string>();
  const releases = document.releases.map(({ version, inner, outer, retired }) => {
    if (!isHexVersion(version) || seen.has(version)) throw refusal('the package document has a release without a version of its own');
    seen.add(version);
    // Absent bytes are empty ones of the prototype.
    const release = { version, outer: Buffer.from(outer ?? []).toString('hex'), inner: Buffer.from(inner).toString('hex'), retired: retired !== undefined && retired !== null };
    if (release.inner.length !== digestLength * 2 || (release.outer !== '' && release.outer.length !== digestLength * 2))
      throw refusal(`release ${version} of the package document has a checksum that is no SHA-256`);
    return release;
  });
  return { repository: document.repository.slice(0, 256), releases };
}

/** Number of packages in `/names` or `/versions`; throws the reason when it lists something else. */
export function countPackages(payload: Buffer): number {
  const { packages } = decode('List', payload) as { packages: { name: string }[] };
  for (const { name } of packages) if (!isHexName(name)) throw refusal(`the list has a package with the name ${JSON.stringify(name.slice(0, 120))}`);
  return packages.length;
}

function decode(type: string, bytes: Buffer): unknown {
  try {
    return root.lookupType(type).decode(bytes);
  } catch (cause) {
    throw refusal('the document is not what a Hex repository sends: its protobuf message is malformed', cause);
  }
}
