import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { checkGemList, readInfo } from './compact-index.js';
import { rememberGems } from './declared-gem.js';
import { isGemClient } from './gem-client.js';
import { gemPurl } from './gem-id.js';
import { parseRegistryPath } from './registry-path.js';

/** Decoded bytes; the largest info files of the public registry have some 1 MB. */
const infoLimit = 32 * 1024 * 1024;

/** The compact index of RubyGems, see docs/reference/inspectors/rubygems.md. */
export const gemIndexInspector: Inspector = {
  id: 'gem.index',
  inspectRequest: (request) => {
    if (isProbe(request)) return { opinion: 'Pending', reason: 'asks whether a gem registry is there' };
    return indexPath(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a gem index' };
  },
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    if (isProbe(request)) return judgeProbe(body);
    const asked = indexPath(request);
    if (asked?.kind === 'info') return readInfoFile(body, { name: asked.name, registry: request.origin + asked.base, request, context });
    if (asked?.kind !== 'versions' && asked?.kind !== 'names') return undefined;
    const gems = await checkGemList(body, context, asked.kind);
    return { opinion: 'Approved', reason: `valid ${asked.kind} file of a gem registry`, annotations: { entries: gems }, metadata: { type: `application/x.gem.${asked.kind}` } };
  },
};

/** Before it resolves, `gem` asks for the head of the registry's own URL. */
function isProbe(request: InspectedRequest): boolean {
  return request.method === 'HEAD' && isGemClient(request);
}

function judgeProbe(body: InspectedBody): ResponseInspection {
  if (body.size > 0) return { opinion: 'Rejected', reason: 'the answer to HEAD has a body' };
  return { opinion: 'Approved', reason: 'the registry is there; the answer has no body', metadata: { type: 'application/x.gem.registry' } };
}

/** The lists have names that anything may have, so who asks counts; an info file may be consulted for, and its content tells. */
function indexPath(request: InspectedRequest): ReturnType<typeof parseRegistryPath> {
  if (request.method !== 'GET') return undefined;
  const asked = parseRegistryPath(request.path);
  if (asked?.kind === 'info') return asked;
  return (asked?.kind === 'versions' || asked?.kind === 'names') && isGemClient(request) ? asked : undefined;
}

interface InfoFile {
  readonly name: string;
  readonly registry: string;
  readonly request: InspectedRequest;
  readonly context: InspectionContext;
}

async function readInfoFile(body: InspectedBody, { name, registry, request, context }: InfoFile): Promise<ResponseInspection | undefined> {
  // Other protocols have documents at …/info/<name> as well.
  if (!isGemClient(request) && !/^(?:[a-z_]+: .*\n)*---\n/.test((await firstBytes(body)).toString('latin1'))) return undefined;
  const gems = readInfo(await body.read(infoLimit));
  context.signal?.throwIfAborted();
  const remembered = await rememberGems(context.knowledge, name, { registry, gems });
  return {
    opinion: 'Approved',
    reason: 'valid info file of a gem registry',
    annotations: { releases: gems.length, remembered, 'with-checksum': gems.filter(({ checksum }) => checksum !== '').length },
    metadata: { type: 'application/x.gem.info', name, purl: gemPurl(name) },
  };
}

async function firstBytes(body: InspectedBody): Promise<Buffer> {
  for await (const chunk of body.open() as AsyncIterable<Buffer>) return chunk.subarray(0, 1024);
  return Buffer.alloc(0);
}
