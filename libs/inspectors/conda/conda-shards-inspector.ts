import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { decompress } from '../archives/decompress.js';
import { normalisePath, parseDeclaredUrl } from '../declarations/declared-url.js';
import { digestBody } from '../declarations/integrity.js';
import { parseChannelPath, type ChannelPath } from './channel-path.js';
import { placeOfShards, readShard, readShardIndex, rememberShard, rememberShards } from './repodata-shards.js';

/** Unpacked; the index of the largest public channel has some 1 MiB, its largest shard some 20 MiB. */
const documentLimit = 128 * 1024 * 1024;

type ShardPath = Extract<ChannelPath, { kind: 'shard-index' | 'shard' }>;

/** Sharded repodata of conda channels, see docs/reference/inspectors/conda.md. */
export const condaShardsInspector: Inspector = {
  id: 'conda.shards',
  inspectRequest: (request) => (askedShard(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for sharded repodata of a conda channel' }),
  inspectResponse: async (request, response, body, context) => {
    const asked = askedShard(request);
    if (response.status !== 200 || asked === undefined) return undefined;
    return asked.kind === 'shard' ? judgeShard(asked, { request, body, context }) : judgeIndex(asked, { request, body, context });
  },
};

function askedShard(request: InspectedRequest): ShardPath | undefined {
  const asked = request.method === 'GET' ? parseChannelPath(request.path) : undefined;
  return asked?.kind === 'shard' || asked?.kind === 'shard-index' ? asked : undefined;
}

interface Exchange {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judgeIndex(asked: ShardPath, { request, body, context }: Exchange): Promise<ResponseInspection> {
  const index = readShardIndex(await unpack(body, context));
  const base = request.origin + asked.directory;
  const [place, shards] = [index.baseUrl, index.shardsBaseUrl].map((url) => directoryUrl(url, base));
  if (place === undefined || shards === undefined) throw refusal('the index of sharded repodata has a base URL that cannot be fetched');
  context.signal?.throwIfAborted();
  await rememberShards(context.knowledge, shards, place);
  return { opinion: 'Approved', reason: 'valid index of sharded repodata of a conda channel', annotations: { shards: index.shards }, metadata: { type: 'application/x.conda.shard-index' } };
}

async function judgeShard(asked: Extract<ShardPath, { kind: 'shard' }>, { request, body, context }: Exchange): Promise<ResponseInspection> {
  const metadata = { type: 'application/x.conda.shard' };
  if ((await digestBody(body, 'sha256', context)) !== asked.digest) return { opinion: 'Rejected', reason: "the shard's SHA-256 digest is not the one in its name", metadata };
  const files = readShard(await unpack(body, context));
  const shards = request.origin + normalisePath(asked.directory);
  const place = await placeOfShards(context.knowledge, shards);
  if (place === undefined) {
    const reason = 'the shard is sound, but no index of this session says which channel it is of; let the client read repodata_shards.msgpack.zst through the proxy (with an empty cache it does)';
    return { opinion: 'Unknown', reason, metadata };
  }
  context.signal?.throwIfAborted();
  await rememberShard(context.knowledge, place, { index: shards, files });
  return { opinion: 'Approved', reason: 'valid shard of the repodata of a conda channel', annotations: { packages: files.size }, metadata };
}

/** In the form that packages are looked up by. */
function directoryUrl(url: string, base: string): string | undefined {
  const declared = parseDeclaredUrl(url === '' || url.endsWith('/') ? url : `${url}/`, base);
  return declared === undefined ? undefined : declared.origin + declared.path;
}

async function unpack(body: InspectedBody, context: InspectionContext): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const options = { compression: 'zstd' as const, packedSize: body.size, limits: { ...archiveLimits, unpackedBytes: documentLimit } };
  for await (const chunk of decompress(body.open(), { ...options, ...(context.signal === undefined ? {} : { signal: context.signal }) })) chunks.push(chunk);
  return Buffer.concat(chunks);
}
