import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { decompress } from '../archives/decompress.js';
import { parseDeclaredUrl } from '../declarations/declared-url.js';
import { parseChannelPath, type ChannelPath } from './channel-path.js';
import { DeclaredPackages } from './declared-packages.js';
import { RepodataScan } from './repodata-scan.js';

/** Unpacked; the largest public document has some 300 MiB. */
const repodataLimit = 2 * 1024 ** 3;
const documentLimit = 64 * 1024 * 1024;

type DocumentPath = Exclude<ChannelPath, { kind: 'package' | 'shard' | 'shard-index' }>;
type RepodataPath = Extract<ChannelPath, { kind: 'repodata' }>;

/** Documents of conda channels, see docs/reference/inspectors/conda.md. */
export const condaRepodataInspector: Inspector = {
  id: 'conda.repodata',
  inspectRequest: (request) => (askedDocument(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a document of a conda channel' }),
  inspectResponse: async (request, response, body, context) => {
    const asked = askedDocument(request);
    if (response.status !== 200 || asked === undefined) return undefined;
    if (request.method === 'HEAD') return judgeHead(body);
    return asked.kind === 'repodata' ? judgeRepodata(asked, { request, body, context }) : judgeDocument(asked.kind, body);
  },
};

function askedDocument(request: InspectedRequest): DocumentPath | undefined {
  // Clients look by HEAD which forms of the repodata there are.
  const asked = request.method === 'GET' || request.method === 'HEAD' ? parseChannelPath(request.path) : undefined;
  if (asked === undefined || asked.kind === 'package' || asked.kind === 'shard' || asked.kind === 'shard-index') return undefined;
  const named = asked.kind === 'channeldata' || asked.kind === 'notices';
  return named && !/^(?:conda|mamba|libmamba|micromamba|pixi|py-rattler|rattler)[/-]/.test(request.header('user-agent') ?? '') ? undefined : asked;
}

function judgeHead(body: InspectedBody): ResponseInspection {
  if (body.size > 0) return { opinion: 'Rejected', reason: 'the answer to HEAD has a body' };
  return { opinion: 'Approved', reason: 'the document is there; the answer has no body', metadata: { type: 'application/x.conda.repodata' } };
}

interface Exchange {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judgeRepodata(asked: RepodataPath, { request, body, context }: Exchange): Promise<ResponseInspection> {
  const declared = new DeclaredPackages();
  const scan = new RepodataScan((found) => declared.add(found));
  const limits = { ...archiveLimits, unpackedBytes: repodataLimit };
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  for await (const chunk of decompress(body.open(), { compression: asked.compression, packedSize: body.size, limits, ...signal })) scan.push(chunk);
  const { packages, baseUrl } = scan.end();
  const place = parseDeclaredUrl(baseUrl === '' || baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`, request.origin + asked.directory);
  if (place === undefined) throw refusal('the repodata have a base_url that cannot be fetched');
  // Export lists have no digests, and are asked for beside the repodata.
  if (asked.document !== 'run_exports') await declared.remember(place.origin + place.path, asked.document, context);
  return {
    opinion: 'Approved',
    reason: 'valid repodata of a conda channel',
    annotations: { packages, 'with-sha256': declared.count },
    metadata: { type: `application/x.conda.${asked.document.replaceAll('_', '-')}` },
  };
}

async function judgeDocument(kind: 'channeldata' | 'notices', body: InspectedBody): Promise<ResponseInspection> {
  const document = parseBoundedJson(await body.read(documentLimit));
  const content = isRecord(document) ? own(document, kind === 'channeldata' ? 'packages' : 'notices') : undefined;
  const fine = kind === 'channeldata' ? isRecord(content) : Array.isArray(content);
  if (!fine) return { opinion: 'Rejected', reason: `the document is not the ${kind} of a conda channel` };
  return { opinion: 'Approved', reason: `valid ${kind} of a conda channel`, metadata: { type: `application/x.conda.${kind}` } };
}
