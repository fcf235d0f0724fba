import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { MillraceError } from '../../../../libs/errors/millrace-error.js';
import type { GetTreeRequest } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheCall } from '../../server/cache-call.js';
import { demandDigest, digestFunctionOf } from '../wire-digest.js';

/** `GetTreeResponse` with its directories as they lie in the cache: nobody has to take them apart and put them together again. */
export interface TreePage {
  readonly directories: readonly Buffer[];
  readonly nextPageToken: string;
}

const pageDirectories = 1_000;
/** A client's own limit of a message is 4 MiB, where it has not said otherwise. */
const pageBytes = 1024 * 1024;
const largestDirectory = 3 * 1024 * 1024;
const fieldOf = { directories: (1 << 3) | 2, nextPageToken: (2 << 3) | 2 } as const;

export function writeTreePage({ directories, nextPageToken }: TreePage): Buffer {
  const writer = new BinaryWriter();
  for (const directory of directories) writer.uint32(fieldOf.directories).bytes(directory);
  if (nextPageToken !== '') writer.uint32(fieldOf.nextPageToken).string(nextPageToken);
  const written = writer.finish();
  return Buffer.from(written.buffer, written.byteOffset, written.byteLength);
}

/** Parents first. Every page but the last has a token: how many directories came so far, so that whoever loses the connection can go on from there. */
export async function* getTree({ cache, access }: CacheContext, request: GetTreeRequest, call: CacheCall): AsyncGenerator<TreePage> {
  const instance = cache.instance(request.instanceName).name;
  access.demand(call.caller, 'pull', instance);
  const root = demandDigest(request.rootDigest, { digests: digestFunctionOf(request.digestFunction), what: 'the digest of the root directory' });
  const limit = pageLimit(request.pageSize);
  const first = readToken(request.pageToken);
  let seen = 0;
  let page: Buffer[] = [];
  let bytes = 0;
  for await (const { content } of cache.walkDirectories(instance, root, { signal: call.signal })) {
    seen += 1;
    if (seen <= first) continue;
    if (content.length > largestDirectory) throw new MillraceError('payload-too-large', `a directory of ${content.length} bytes is too large for GetTree`, { suggestion: 'Read it with ByteStream.Read.' });
    if (page.length >= limit || (page.length > 0 && bytes + content.length > pageBytes)) {
      yield { directories: page, nextPageToken: String(seen - 1) };
      page = [];
      bytes = 0;
    }
    page.push(content);
    bytes += content.length;
  }
  if (first > 0 && first >= seen) throw new MillraceError('invalid-request', `the page token "${request.pageToken}" is of another tree`);
  yield { directories: page, nextPageToken: '' };
}

function pageLimit(asked: number): number {
  if (asked < 0) throw new MillraceError('invalid-request', `a page of ${asked} directories`);
  return asked === 0 ? pageDirectories : Math.min(asked, pageDirectories);
}

function readToken(token: string): number {
  if (token === '') return 0;
  if (!/^[1-9]\d{0,8}$/.test(token)) throw new MillraceError('invalid-request', `"${token.slice(0, 80)}" is no page token of this cache`);
  return Number(token);
}
