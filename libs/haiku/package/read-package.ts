import type { ByteSource } from '../byte-source.js';
import { largestSection, readAttributes } from '../container/read-attributes.js';
import { openHeap } from '../container/read-heap.js';
import { readHeader } from '../container/read-header.js';
import { invalidFile } from '../invalid-haiku-file.js';
import { infoFromAttributes } from './info-from-attributes.js';
import type { PackageInfo } from './package-info.js';

/** What an `.hpkg` file says of itself. Reads its head, and the end of its heap. Errors: `source-invalid`. */
export async function readPackage(source: ByteSource): Promise<PackageInfo> {
  const { bytes, heap: place } = await readHeader(source, { magic: 'hpkg', size: 80 });
  const [length, stringsLength, stringsCount] = [bytes.readUInt32BE(40), bytes.readUInt32BE(44), bytes.readUInt32BE(48)];
  if (length > largestSection) throw invalidFile(`its attributes have ${length} bytes`);
  const heap = await openHeap(source, place);
  if (length > heap.size) throw invalidFile('its attributes are larger than its heap');
  return infoFromAttributes(readAttributes(await heap.read(heap.size - length, length), { stringsLength, stringsCount }));
}
