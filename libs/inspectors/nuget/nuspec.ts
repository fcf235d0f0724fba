import type { ArtefactMetadata } from '../../inspection/inspection.js';
import { refusal } from '../../inspection/refusal.js';
import type { XmlElement } from '../documents/bounded-xml.js';
import { spdxLicense } from '../documents/spdx-license.js';
import { isPackageId, normaliseVersion, type PackageId } from './package-id.js';

/** What the `.nuspec` of a package says, https://learn.microsoft.com/nuget/reference/nuspec */
export interface Nuspec extends PackageId {
  readonly metadata: Partial<ArtefactMetadata>;
}

export const nuspecLimit = 2 * 1024 * 1024;

/** Reads the root element; throws a reason when it names no package. */
export function readNuspec(root: XmlElement): Nuspec {
  const metadata = root.children.find((child) => localName(child) === 'metadata');
  if (localName(root) !== 'package' || metadata === undefined) throw refusal('the .nuspec of the package has no metadata');
  // The client reads names without regard to case.
  const fields = new Map<string, XmlElement>();
  for (const child of metadata.children) {
    const name = localName(child).toLowerCase();
    if (fields.has(name) && (name === 'id' || name === 'version')) throw refusal(`the .nuspec of the package has two elements ${JSON.stringify(name)}`);
    if (!fields.has(name)) fields.set(name, child);
  }
  const text = (name: string): string => fields.get(name)?.text ?? '';
  const id = text('id');
  const version = normaliseVersion(text('version'));
  if (!isPackageId(id) || version === undefined) throw refusal('the .nuspec of the package has no valid id and version');
  return {
    id,
    version,
    metadata: {
      author: text('authors'),
      vendor: text('owners') || text('projecturl'),
      description: (text('description') || text('summary')).replaceAll(/\s+/g, ' '),
      copyright: text('copyright'),
      license: licenceOf(fields.get('license'), text('licenseurl')),
    },
  };
}

function licenceOf(licence: XmlElement | undefined, url: string): string {
  if (licence !== undefined && licence.text !== '') return licence.attributes.get('type') === 'file' ? `LicenseRef-${licence.text}` : spdxLicense(licence.text);
  // Where packages of the first years point for an expression, whatever the host.
  const expression = /^https?:\/\/[^/]+\/([A-Za-z0-9.+-]{1,64})$/.exec(url)?.[1] ?? '';
  const known = spdxLicense(expression);
  return known === expression && expression !== '' && /^[A-Z0-9]/.test(expression) ? known : url;
}

/** The name without its prefix. */
export function localName(element: XmlElement): string {
  return element.name.slice(element.name.indexOf(':') + 1);
}
