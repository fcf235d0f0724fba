import { inflateSync } from 'node:zlib';
import { isRecord } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { decompress } from '../archives/decompress.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { gemFullName, gemPurl } from './gem-id.js';
import { readGemspec } from './gemspec-document.js';
import { parseRegistryPath, type RegistryPath } from './registry-path.js';
import { checkDependencies, checkSpecsIndex } from './specs-index.js';

const packedSpecLimit = 1024 * 1024;
const specLimit = 8 * 1024 * 1024;
/** The whole index of the public registry has some 80 MiB. */
const specsLimit = 256 * 1024 * 1024;
const dependenciesLimit = 16 * 1024 * 1024;

/** The Marshal documents of a gem registry, see docs/reference/inspectors/rubygems.md. */
export const gemSpecInspector: Inspector = {
  id: 'gem.spec',
  inspectRequest: (request) => (marshalPath(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a document of a gem registry' }),
  inspectResponse: async (request, response, body, context) => {
    const asked = marshalPath(request);
    if (response.status !== 200 || asked === undefined) return undefined;
    if (asked.kind === 'gemspec') return judgeGemspec(await body.read(packedSpecLimit), asked.file);
    if (asked.kind === 'dependencies') return judgeDependencies(await body.read(dependenciesLimit));
    const releases = await checkSpecsIndex(await unpack(body, context), context);
    return { opinion: 'Approved', reason: 'valid index of a gem registry', annotations: { releases }, metadata: { type: 'application/x.gem.specs' } };
  },
};

function marshalPath(request: InspectedRequest): RegistryPath | undefined {
  const asked = request.method === 'GET' ? parseRegistryPath(request.path) : undefined;
  return asked?.kind === 'gemspec' || asked?.kind === 'specs' || asked?.kind === 'dependencies' ? asked : undefined;
}

function judgeGemspec(packed: Buffer, file: string): ResponseInspection {
  const gem = readGemspec(inflate(packed));
  const metadata = { type: 'application/x.gem.spec', name: gem.name, version: gem.version, purl: gemPurl(gem.name, gem.version, gem.platform) };
  if (gemFullName(gem) !== file) return { opinion: 'Rejected', reason: `the specification is that of ${gemFullName(gem)}, but its URL is that of ${file.slice(0, 256)}`, metadata };
  return { opinion: 'Approved', reason: 'valid gem specification', metadata };
}

function judgeDependencies(bytes: Buffer): ResponseInspection {
  // Asked for no gem, registries answer with nothing.
  const releases = bytes.length === 0 ? 0 : checkDependencies(bytes);
  return { opinion: 'Approved', reason: 'valid answer of the dependency API of a gem registry', annotations: { releases }, metadata: { type: 'application/x.gem.dependencies' } };
}

function inflate(packed: Buffer): Buffer {
  try {
    return inflateSync(packed, { maxOutputLength: specLimit });
  } catch (cause) {
    if (isRecord(cause) && cause['code'] === 'ERR_BUFFER_TOO_LARGE') throw limitExceeded(`the specification unpacks to more than ${specLimit} bytes`);
    throw refusal('the specification is not sound zlib data', cause);
  }
}

async function unpack(body: InspectedBody, context: InspectionContext): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const limits = { ...archiveLimits, unpackedBytes: specsLimit };
  const options = { compression: 'gzip' as const, packedSize: body.size, limits, ...(context.signal === undefined ? {} : { signal: context.signal }) };
  for await (const chunk of decompress(body.open(), options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
