import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { parseDigest } from './oci-digest.js';

/** What a manifest says of another manifest or of a blob (OCI image specification, "Descriptors"). */
export interface Descriptor {
  readonly role: 'manifest' | 'config' | 'layer' | 'blob' | 'subject';
  readonly mediaType: string;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  /** Of the platform, `arm64` or `arm/v7`; empty when there is none. */
  readonly architecture: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export type ManifestKind = 'image' | 'index' | 'artifact';

export interface Manifest {
  readonly kind: ManifestKind;
  readonly mediaType: string;
  readonly descriptors: readonly Descriptor[];
  /** String values only. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Decoded bytes: what registries and clients take at most. */
export const manifestLimit = 4 * 1024 * 1024;
const fields: ReadonlySet<string> = new Set([
  'schemaVersion',
  'mediaType',
  'config',
  'layers',
  'manifests',
  'blobs',
  'subject',
  'fsLayers',
  'history',
  'annotations',
]);
const lowerCaseFields: ReadonlySet<string> = new Set([...fields].map((field) => field.toLowerCase()));
const maxDescriptors = 2048;
const maxAnnotations = 64;

const kinds: Readonly<Record<string, ManifestKind>> = {
  'application/vnd.oci.image.manifest.v1+json': 'image',
  'application/vnd.docker.distribution.manifest.v2+json': 'image',
  'application/vnd.oci.image.index.v1+json': 'index',
  'application/vnd.docker.distribution.manifest.list.v2+json': 'index',
  'application/vnd.oci.artifact.manifest.v1+json': 'artifact',
};
const schemaOne = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;
/** RFC 6838, 4.2. */
const mediaTypePattern = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

/**
 * Reads an image manifest, an image index (or Docker's manifest list) or an artifact manifest. `contentType` is the response's. Throws the
 * reason for other documents, and for those that two readers could take for different kinds (CVE-2021-41190): the media type of the
 * response, the one in the document and its fields must tell of the same kind.
 */
export function parseManifest(bytes: Buffer, contentType: string): Manifest {
  const document = parseBoundedJson(bytes, { depth: 32, containers: 50_000, values: 200_000 });
  if (!isRecord(document)) throw refusal('the manifest is not a JSON object');
  checkSpelling(document);
  const answered = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  const mediaType = mediaTypeOf(document, answered);
  const kind = Object.hasOwn(kinds, mediaType) ? kinds[mediaType] : undefined;
  if (kind === undefined) throw refusal(`the manifest has the unsupported media type ${JSON.stringify(mediaType.slice(0, 120))}`);
  if (kind !== 'artifact' && own(document, 'schemaVersion') !== 2) throw refusal('the manifest does not have schema version 2');
  if (kind !== kindByFields(document)) throw refusal(`the manifest does not have the fields of its media type ${mediaType}`);
  const descriptors = readDescriptors(document, kind);
  if (descriptors.length > maxDescriptors) throw limitExceeded(`the manifest names more than ${maxDescriptors} files`);
  return { kind, mediaType, descriptors, annotations: readAnnotations(document) };
}

/** Whether a text from a manifest is a media type. */
export function isMediaType(text: string): boolean {
  return mediaTypePattern.test(text);
}

/** Clients written in Go take `Layers` for `layers`: what they would read and this file would not is refused. */
function checkSpelling(document: Record<string, unknown>): void {
  for (const key of Object.keys(document)) {
    if (!fields.has(key) && lowerCaseFields.has(key.toLowerCase())) throw refusal(`the manifest has the misspelt field ${JSON.stringify(key.slice(0, 40))}`);
  }
}

function mediaTypeOf(document: Record<string, unknown>, answered: string): string {
  const inside = own(document, 'mediaType');
  if (inside !== undefined && typeof inside !== 'string') throw refusal('the media type of the manifest is not a string');
  if (own(document, 'schemaVersion') === 1 || schemaOne.test(answered) || schemaOne.test(inside ?? '')) {
    throw refusal(
      'the manifest is one of Docker schema 1, whose digest does not cover what is fetched: ask the registry for an image manifest (schema 2 or OCI), or push the image anew',
    );
  }
  // Some registries and caches serve manifests under a general type, which tells nothing.
  const telling = Object.hasOwn(kinds, answered) ? answered : undefined;
  if (inside !== undefined && telling !== undefined && inside !== telling) {
    throw refusal(`the response calls the manifest ${telling}, but the manifest itself ${JSON.stringify(inside.slice(0, 120))}`);
  }
  return inside ?? telling ?? defaultTypes[kindByFields(document) ?? 'index'];
}

const defaultTypes: Readonly<Record<ManifestKind, string>> = {
  image: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  artifact: 'application/vnd.oci.artifact.manifest.v1+json',
};

/** Undefined for a document that has the fields of several kinds, or of none. */
function kindByFields(document: Record<string, unknown>): ManifestKind | undefined {
  const has = (key: string): boolean => own(document, key) !== undefined;
  if (has('fsLayers') || has('history')) return undefined;
  const image = has('config') && has('layers');
  const index = has('manifests');
  if (index) return has('config') || has('layers') || has('blobs') ? undefined : 'index';
  if (image) return has('blobs') ? undefined : 'image';
  return has('config') || has('layers') ? undefined : 'artifact';
}

function readDescriptors(document: Record<string, unknown>, kind: ManifestKind): readonly Descriptor[] {
  const list = (key: string, role: Descriptor['role']): Descriptor[] => {
    const value = own(document, key) ?? [];
    if (!Array.isArray(value)) throw refusal(`"${key}" of the manifest is not a list`);
    return value.map((item, index) => readDescriptor(item, role, `${key}[${index}]`));
  };
  const one = (key: string, role: Descriptor['role']): Descriptor[] => {
    const value = own(document, key);
    return value === undefined || value === null ? [] : [readDescriptor(value, role, key)];
  };
  switch (kind) {
    case 'image':
      return [...one('config', 'config'), ...list('layers', 'layer'), ...one('subject', 'subject')];
    case 'index':
      return [...list('manifests', 'manifest'), ...one('subject', 'subject')];
    case 'artifact':
      return [...list('blobs', 'blob'), ...one('subject', 'subject')];
  }
}

function readDescriptor(value: unknown, role: Descriptor['role'], place: string): Descriptor {
  if (!isRecord(value)) throw refusal(`${place} of the manifest is not a descriptor`);
  const mediaType = own(value, 'mediaType');
  const digest = own(value, 'digest');
  const size = own(value, 'size');
  if (typeof mediaType !== 'string' || !isMediaType(mediaType)) throw refusal(`${place} of the manifest has no media type`);
  if (typeof digest !== 'string' || parseDigest(digest) === undefined) throw refusal(`${place} of the manifest has no sha256 or sha512 digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw refusal(`${place} of the manifest has no size`);
  return { role, mediaType, digest, size, architecture: architectureOf(own(value, 'platform')), annotations: readAnnotations(value) };
}

function architectureOf(platform: unknown): string {
  if (!isRecord(platform)) return '';
  return platformName(own(platform, 'architecture'), own(platform, 'variant'));
}

/** `arm64`, `arm/v7`; empty for what is no name. */
export function platformName(architecture: unknown, variant: unknown): string {
  const isName = (value: unknown): value is string => typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value);
  if (!isName(architecture)) return '';
  return isName(variant) ? `${architecture}/${variant}` : architecture;
}

function readAnnotations(record: Record<string, unknown>): Readonly<Record<string, string>> {
  const annotations = own(record, 'annotations');
  return isRecord(annotations) ? stringsOf(annotations) : {};
}

/** The string values of a record, the first 64 of them. */
export function stringsOf(record: Record<string, unknown>): Readonly<Record<string, string>> {
  const strings = Object.entries(record).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(strings.slice(0, maxAnnotations));
}
