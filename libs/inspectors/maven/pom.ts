import type { ArtefactMetadata } from '../../inspection/inspection.js';
import { refusal } from '../../inspection/refusal.js';
import { childOf, textAt, type XmlElement } from '../documents/bounded-xml.js';
import { spdxLicense } from '../documents/spdx-license.js';

export interface Coordinates {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
}

/** What a POM says of itself; https://maven.apache.org/ref/3.9.9/maven-model/maven.html */
export interface Pom {
  /** What stands in it or is inherited from `parent`; a part that hangs on properties of another file is undefined. */
  readonly coordinates: { readonly [part in keyof Coordinates]: string | undefined };
  readonly parent: Coordinates | undefined;
  readonly metadata: Partial<ArtefactMetadata>;
}

const maxLicences = 16;
const maxPeople = 32;
const maxReplacements = 64;
const maxLength = 256;

/** Reads the root element of a POM; throws a reason when it is none. */
export function readPom(root: XmlElement): Pom {
  if (root.name !== 'project') throw refusal('the POM has no project element');
  const artifact = textAt(root, 'artifactId');
  if (artifact === '') throw refusal('the POM has no artifactId');
  const group = textAt(root, 'groupId') || textAt(root, 'parent', 'groupId');
  const version = textAt(root, 'version') || textAt(root, 'parent', 'version');
  if (group === '' || version === '') throw refusal('the POM has neither a groupId and version of its own nor a parent that has them');
  return {
    coordinates: { group: interpolate(root, group), artifact: interpolate(root, artifact), version: interpolate(root, version) },
    parent: parentOf(root),
    metadata: metadataOf(root),
  };
}

function parentOf(root: XmlElement): Coordinates | undefined {
  const parent = { group: textAt(root, 'parent', 'groupId'), artifact: textAt(root, 'parent', 'artifactId'), version: textAt(root, 'parent', 'version') };
  return Object.values(parent).every((text) => text !== '' && text.length <= maxLength && !text.includes('${')) ? parent : undefined;
}

/** Some published POMs leave `${…}` in their coordinates. Undefined when the file alone does not tell what stands for it. */
function interpolate(root: XmlElement, text: string): string | undefined {
  let result = text;
  for (let count = 0; count < maxReplacements; count += 1) {
    const found = /\$\{([^${}]{1,200})\}/.exec(result);
    if (found === null) return result.includes('${') ? undefined : result;
    const value = propertyOf(root, found[1] ?? '');
    if (value === '' || value.length > maxLength || result.length > maxLength * 2) return undefined;
    result = result.slice(0, found.index) + value + result.slice(found.index + found[0].length);
  }
  return undefined;
}

function propertyOf(root: XmlElement, name: string): string {
  const own = /^(?:project\.|pom\.)?(parent\.)?(groupId|artifactId|version)$/.exec(name);
  if (own === null) return textAt(root, 'properties', name);
  const field = own[2] ?? '';
  return (own[1] === undefined ? textAt(root, field) : '') || textAt(root, 'parent', field);
}

function metadataOf(root: XmlElement): Partial<ArtefactMetadata> {
  const people = childOf(root, 'developers')?.children.slice(0, maxPeople) ?? [];
  const licences = childOf(root, 'licenses')?.children.slice(0, maxLicences) ?? [];
  return {
    description: (textAt(root, 'description') || textAt(root, 'name')).replaceAll(/\s+/g, ' '),
    vendor: textAt(root, 'organization', 'name'),
    author: joined(people, 'name') || joined(people, 'id'),
    authorEmail: joined(people, 'email'),
    // Several licences are a choice, as Maven's own documentation reads them.
    license: licences.map((licence) => spdxLicense(textAt(licence, 'name'))).filter((licence) => licence !== '').join(' OR '),
  };
}

function joined(elements: readonly XmlElement[], field: string): string {
  return elements.map((element) => textAt(element, field)).filter((text) => text !== '').join(', ');
}

/** Package URL; `type` is left out for jars and `classifier` where there is none. */
export function mavenPurl({ group, artifact, version }: Coordinates, file: { readonly classifier: string; readonly extension: string }): string {
  const qualifiers = [
    ...(file.classifier === '' ? [] : [`classifier=${encodeURIComponent(file.classifier)}`]),
    ...(file.extension === 'jar' ? [] : [`type=${encodeURIComponent(file.extension)}`]),
  ].join('&');
  return `pkg:maven/${encodeURIComponent(group)}/${encodeURIComponent(artifact)}@${encodeURIComponent(version)}${qualifiers === '' ? '' : `?${qualifiers}`}`;
}
