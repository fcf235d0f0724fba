import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';
import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { decompress, sniffCompression } from '../archives/decompress.js';
import { readTar } from '../archives/tar-reader.js';
import { readYaml } from '../documents/bounded-yaml.js';

/** What `metadata.yaml` of an image says (LXD, "Image format"). */
export interface ImageMetadata {
  readonly architecture: string;
  readonly description: string;
}

const metadataLimit = 256 * 1024;
/** Templates beside it have some kilobytes each. */
const unpackedBytes = 256 * 1024 * 1024;

/** Reads the `metadata.yaml` of a metadata tarball (`lxd.tar.xz`). Throws the reason for one without it. */
export async function readImageMetadata(body: InspectedBody, context: InspectionContext): Promise<ImageMetadata> {
  const limits = { ...archiveLimits, unpackedBytes };
  const { signal } = context;
  const unpacked = decompress(body.open(), {
    compression: sniffCompression(body.head),
    packedSize: body.size,
    limits,
    ...(signal === undefined ? {} : { signal }),
  });
  const contents = await readTar(unpacked, limits, ({ path }) => (path === 'metadata.yaml' ? metadataLimit : undefined));
  const bytes = contents.get('metadata.yaml');
  if (bytes === undefined) throw refusal('the metadata tarball of the image has no metadata.yaml');
  return parseImageMetadata(bytes);
}

export function parseImageMetadata(bytes: Buffer): ImageMetadata {
  const document = readYaml(bytes, 'metadata.yaml');
  const architecture = own(document, 'architecture');
  const properties = own(document, 'properties');
  const description = isRecord(properties) ? own(properties, 'description') : '';
  if (typeof architecture !== 'string' || architecture === '') throw refusal('metadata.yaml names no architecture');
  return { architecture, description: typeof description === 'string' ? description : '' };
}
