import { isRecord, own } from '../../inspection/bounded-json.js';
import type { ArtefactMetadata } from '../../inspection/inspection.js';

/** What a package.json says of its package. Every field may have any type: it is an attacker's file. */
export function manifestMetadata(manifest: Record<string, unknown>): Partial<ArtefactMetadata> {
  const author = own(manifest, 'author');
  return {
    author: personName(author),
    authorEmail: isRecord(author) ? text(own(author, 'email')) : '',
    license: licence(own(manifest, 'license') ?? own(manifest, 'licenses')),
    description: text(own(manifest, 'description')),
    vendor: vendor(manifest),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function personName(person: unknown): string {
  return isRecord(person) ? text(own(person, 'name')) : text(person);
}

function licence(value: unknown): string {
  if (Array.isArray(value))
    return value
      .slice(0, 16)
      .map(licence)
      .filter((item) => item !== '')
      .join(' OR ');
  return isRecord(value) ? text(own(value, 'type')) || text(own(value, 'name')) : text(value);
}

/** The publisher where the registry's document names one, else where the sources are kept. */
function vendor(manifest: Record<string, unknown>): string {
  const publisher = own(manifest, 'publisher') ?? own(manifest, '_npmUser');
  const repository = own(manifest, 'repository');
  return personName(publisher) || (isRecord(repository) ? text(own(repository, 'url')) : text(repository));
}
