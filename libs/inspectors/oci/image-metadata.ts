import type { ArtefactMetadata } from '../../inspection/inspection.js';
import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import { spdxLicense } from '../documents/spdx-license.js';
import { platformName, stringsOf } from './manifest.js';

/** Decoded bytes of an image configuration: what clients take at most. */
export const imageConfigLimit = 4 * 1024 * 1024;

const configTypes: ReadonlySet<string> = new Set(['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json']);

export function isImageConfig(mediaType: string): boolean {
  return configTypes.has(mediaType);
}

export interface ImageConfig {
  readonly metadata: Partial<ArtefactMetadata>;
  readonly operatingSystem: string;
  /** What the image says of itself; no publication time of a registry. Empty when it does not say. */
  readonly created: string;
}

/** Reads an image configuration (OCI image specification, "Image Configuration"). Throws the reason for one that is none. */
export function parseImageConfig(bytes: Buffer): ImageConfig {
  const document = parseBoundedJson(bytes, { depth: 64, containers: 100_000, values: 400_000 });
  if (!isRecord(document)) throw refusal('the image configuration is not a JSON object');
  const architecture = platformName(own(document, 'architecture'), own(document, 'variant'));
  const operatingSystem = platformName(own(document, 'os'), undefined);
  if (architecture === '' || operatingSystem === '') throw refusal('the image configuration names no architecture or no operating system');
  const config = own(document, 'config');
  const labels = isRecord(config) ? own(config, 'Labels') : undefined;
  const created = own(document, 'created');
  return {
    metadata: { ...imageMetadata(isRecord(labels) ? wellKnown(labels) : {}), architecture },
    operatingSystem,
    created: typeof created === 'string' && created.length <= 40 ? created : '',
  };
}

const prefix = 'org.opencontainers.image.';

/** Only the keys that are read: an image may have more labels than are kept of a manifest's annotations. */
function wellKnown(labels: Record<string, unknown>): Readonly<Record<string, string>> {
  return stringsOf(Object.fromEntries(Object.entries(labels).filter(([key]) => key.startsWith(prefix))));
}

/** What the annotations of a manifest, or the labels of an image, tell ("Pre-Defined Annotation Keys"). */
export function imageMetadata(annotations: Readonly<Record<string, string>>): Partial<ArtefactMetadata> {
  const of = (key: string): string => (Object.hasOwn(annotations, prefix + key) ? (annotations[prefix + key] ?? '') : '');
  const licence = of('licenses');
  return {
    vendor: of('vendor'),
    author: of('authors'),
    description: of('description') || of('title'),
    license: licence === '' ? '' : spdxLicense(licence),
  };
}
