import { randomUUID } from 'node:crypto';
import type { OpenUpload } from '../../../../libs/cache-engine/artifact-cache.js';
import { digestText } from '../../../../libs/cache/cache-digest.js';
import { MillraceError } from '../../../../libs/errors/millrace-error.js';
import type { WriteRequest, WriteResponse } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheCall } from '../../server/cache-call.js';
import type { Places } from '../../server/places.js';
import { demandRoom } from './demand-room.js';
import type { UploadResource } from './resource-name.js';
import { parseWriteName } from './resource-name.js';
import { writeCompressed } from './write-compressed.js';
import type { WriteMessage } from './write-messages.js';
import { writeMessages } from './write-messages.js';

/** Goes on when the rate of the caller allows it. */
type CountBytes = (bytes: number) => Promise<void>;

/** A blob that was there already: of a compressed one nobody knows how many bytes it would have been. */
const presentCompressed = -1;

/** One blob, verified when the client says that it is whole. A stream that ends before, or breaks off, can be taken up again where it was. */
export async function write(context: CacheContext, requests: AsyncIterator<WriteRequest, void>, { call, places }: { readonly call: CacheCall; readonly places: Places }): Promise<WriteResponse> {
  const { cache, access } = context;
  const opening = await requests.next();
  if (opening.done === true) throw new MillraceError('invalid-request', 'a write without a message');
  const first = opening.value;
  const resource = parseWriteName(first.resourceName);
  const instance = cache.instance(resource.instance).name;
  access.demand(call.caller, 'push', instance);
  if (isWhole(first, resource)) return writeAtOnce(context, { instance, resource, first, call });
  const offset = first.writeOffset;
  const upload = await cache.uploads.open({ instance, name: uploadName(resource, call), digest: resource.digest, offset }, call.push);
  if (upload.present) return { committedSize: resource.compressed ? presentCompressed : resource.digest.size };
  return whileOpen(upload, async () => {
    const messages = writeMessages(first, requests);
    const count = (bytes: number): Promise<void> => access.count(call.caller, instance, bytes, { signal: call.signal });
    return resource.compressed ? writeCompressed(messages, { upload, resource, offset, call, places, count }) : writePlain(messages, { upload, resource, count });
  });
}

/** One's own: nobody goes on with the upload of another, nor with another blob under the same name. */
export function uploadName({ upload, digest }: UploadResource, { caller }: CacheCall): string {
  return `${caller.name}/${upload ?? randomUUID()}/${digestText(digest)}`;
}

/** Most writes are of one message: they need no file to wait in. */
function isWhole({ writeOffset, finishWrite, data }: WriteRequest, { compressed, digest }: UploadResource): boolean {
  return !compressed && writeOffset === 0 && finishWrite && data.length === digest.size;
}

async function writeAtOnce({ cache, access }: CacheContext, { instance, resource, first, call }: { readonly instance: string; readonly resource: UploadResource; readonly first: WriteRequest; readonly call: CacheCall }): Promise<WriteResponse> {
  await access.count(call.caller, instance, first.data.length, { signal: call.signal });
  const [problem] = await cache.writeBlobs(instance, [{ digest: resource.digest, content: first.data }], call.push);
  if (problem !== undefined) throw problem;
  return { committedSize: resource.digest.size };
}

async function writePlain(messages: AsyncIterable<WriteMessage>, { upload, resource: { digest }, count }: { readonly upload: OpenUpload; readonly resource: UploadResource; readonly count: CountBytes }): Promise<WriteResponse> {
  for await (const { data, finish } of messages) {
    demandRoom(upload, { digest, bytes: data.length });
    await count(data.length);
    if (data.length > 0) await upload.append(data);
    if (!finish) continue;
    await upload.finish();
    return { committedSize: digest.size };
  }
  await upload.suspend();
  return { committedSize: upload.committed };
}

/** What came is kept when the stream breaks off; an upload that was finished, well or not, has nothing more to keep. */
async function whileOpen(upload: OpenUpload, work: () => Promise<WriteResponse>): Promise<WriteResponse> {
  try {
    return await work();
  } catch (error) {
    await upload.suspend().catch(() => undefined);
    throw error;
  }
}
