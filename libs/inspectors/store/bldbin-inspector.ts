import type { InspectedBody, InspectionContext, Inspector } from '../../inspection/inspector.js';
import { own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { decompress } from '../archives/decompress.js';
import { readTar } from '../archives/tar-reader.js';
import { readYaml } from '../documents/bounded-yaml.js';
import { configuredUrls } from './configured-urls.js';

const metadataLimit = 256 * 1024;
const keys = ['name', 'version', 'base', 'architecture'] as const;

/** Built packages, see docs/reference/inspectors/chisel.md. */
export const bldbinInspector: Inspector = {
  id: 'bldbin',
  inspectRequest: (request, { configuration }) =>
    request.method === 'GET' && configuredUrls(configuration, 'bldbin')?.(request.url) === true
      ? { opinion: 'Pending', reason: 'valid URL for a built package ("bldbin.urls")' }
      : undefined,
  inspectResponse: async (_request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const { name, version, base, architecture } = parseBldbinMetadata(await readMetadata(body, context));
    return {
      opinion: 'Approved',
      reason: 'valid built package from a configured place ("bldbin.urls")',
      annotations: { base },
      metadata: { type: 'application/x.canonical.bld-bin-package', name, version, architecture },
    };
  },
};

/** Reads `metadata.yaml` of a built package. Throws the reason when one of its texts is missing. */
export function parseBldbinMetadata(bytes: Buffer): Readonly<Record<(typeof keys)[number], string>> {
  const document = readYaml(bytes, 'metadata.yaml');
  const texts = keys.map((key) => {
    const value = own(document, key);
    if (typeof value !== 'string' || value === '') throw refusal(`metadata.yaml of the package has no ${key}`);
    return value;
  });
  const [name = '', version = '', base = '', architecture = ''] = texts;
  return { name, version, base, architecture };
}

async function readMetadata(body: InspectedBody, { signal }: InspectionContext): Promise<Buffer> {
  const unpacked = decompress(body.open(), { compression: 'xz', packedSize: body.size, ...(signal === undefined ? {} : { signal }) });
  const contents = await readTar(unpacked, archiveLimits, ({ path }) => (path === 'metadata.yaml' ? metadataLimit : undefined));
  const bytes = contents.get('metadata.yaml');
  if (bytes === undefined) throw refusal('the package has no metadata.yaml');
  return bytes;
}
