/** What policy documents are judged by: plain facts, the same from the byte path and from the record. */
export interface RequestFacts {
  /** Normalised: `https://host:443/path?query`. */
  readonly url: string;
  /** Where it really came from, when a redirect led there and it is judged as the content of `url`: what is denied there stays denied. */
  readonly servedFrom?: string;
  readonly method: string;
  /** Ecosystems whose inspectors know the request (`npm`); where the response has been judged, those that approved it. */
  readonly ecosystems: readonly string[];
}

export interface ArtefactFacts extends RequestFacts {
  readonly type: string;
  readonly purl?: string;
  /** SPDX expression where it could be told; empty: unknown. */
  readonly licence: string;
  /** RFC 3339. */
  readonly published?: string;
  /** Tokens `scheme:key`, separated by spaces. */
  readonly signedBy?: string;
  /** Lower-case hex, of the body as transferred. `sha512` where it was computed. */
  readonly digests: { readonly sha1: string; readonly sha256: string; readonly sha512?: string };
}

/** In the shape of an inspector's opinion. */
export interface PolicyOpinion {
  readonly opinion: 'Pending' | 'Approved' | 'Rejected' | 'Unknown';
  readonly reason: string;
}

const indexTypes = /(?:^|[./-])(?:index|packument|metadata|repomd|primary|filelists|other|modules|mod|info|list|lookup|latest|tile|config|audit|release|packages|sources|translation|commands|contents|tags|token|repodata|shards|pom|refs|ls-refs?|advertisement|spec|specs|registry|dependencies|entry|provenance|project-json|checksum|release-signature|snap-info|snap-refresh|snap-names|snap-sections|snap-auth|gradle\.module|import|referrers|catalog|version-check|diff|icons|components|advisories|notification)(?:[./+-][a-z0-9]*)?$/;

/**
 * Whether an artefact is a release of a package, with a version, and not a document about packages: only releases have a licence, an age and
 * a signature of their own. Told by the version in the package URL and by the last word of the artefact type.
 */
export function isRelease({ purl, type }: Pick<ArtefactFacts, 'purl' | 'type'>): boolean {
  return purl !== undefined && hasVersion(purl) && !indexTypes.test(type);
}

/** Whether an artefact is a document about packages; of a file without a package URL neither this nor `isRelease` may be known. */
export function isIndex({ purl, type }: Pick<ArtefactFacts, 'purl' | 'type'>): boolean {
  return indexTypes.test(type) || (purl !== undefined && !hasVersion(purl));
}

function hasVersion(purl: string): boolean {
  return /[^/]@[^/]*$/.test(purl.split(/[?#]/, 1)[0] as string);
}
