import { childrenOf, type Attribute } from '../container/attribute.js';
import { attributeIds } from '../container/attribute-ids.js';
import type { Heap } from '../container/read-heap.js';
import { invalidFile } from '../invalid-haiku-file.js';

export interface LicenceText {
  readonly name: string;
  readonly text: string;
}

const mostLicences = 32;
const largestText = 256 * 1024;
/** Of all together: what a repository says of itself has its licences in it, and may have a MiB. */
const largestTexts = 512 * 1024;

/** The files of `data/licenses` in a package. `contents`: its list of files. Errors: `source-invalid`. */
export async function licenceTexts(contents: readonly Attribute[], heap: Heap): Promise<readonly LicenceText[]> {
  const files = entriesIn(entriesIn(contents, 'data'), 'licenses').filter(({ id }) => id === attributeIds.directoryEntry);
  if (files.length > mostLicences) throw invalidFile(`it has ${files.length} licences to be approved`);
  const licences: LicenceText[] = [];
  for (const { value: name, children } of files) {
    if (typeof name !== 'string' || !/^[^/\p{C}]{1,255}$/u.test(name)) throw invalidFile('one of its licences has no name that a file can have');
    if (licences.some((other) => other.name.toLowerCase() === name.toLowerCase())) throw invalidFile(`it has two licences ${JSON.stringify(name)}`);
    const text = await textOf(children, heap, name);
    // A folder, or a link to one of the system's own licences, which its users have.
    if (text !== undefined) licences.push({ name, text });
    const all = licences.reduce((sum, licence) => sum + Buffer.byteLength(licence.text), 0);
    if (all > largestTexts) throw invalidFile(`its licences to be approved have ${all} bytes together; a repository has room for ${largestTexts}`);
  }
  return licences;
}

function entriesIn(attributes: readonly Attribute[], name: string): readonly Attribute[] {
  return childrenOf(attributes, attributeIds.directoryEntry).flatMap(({ value, children }) => (value === name ? children : []));
}

async function textOf(children: readonly Attribute[], heap: Heap, name: string): Promise<string | undefined> {
  const value = childrenOf(children, attributeIds.data)[0]?.value;
  if (typeof value !== 'object') return undefined;
  const size = Buffer.isBuffer(value) ? value.length : value.size;
  if (size > largestText) throw invalidFile(`its licence ${JSON.stringify(name)} has ${size} bytes`);
  const bytes = Buffer.isBuffer(value) ? value : await heap.read(value.offset, size);
  // It becomes a field of a message, which ends with a 0.
  return bytes.toString('utf8').replaceAll('\0', '');
}
