import { MillraceError } from '../../../../libs/errors/millrace-error.js';
import type { WriteRequest } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';

export interface WriteMessage {
  readonly data: Buffer;
  readonly finish: boolean;
}

/** The data of a stream of writes, each message checked: its name is that of the first or none, its offset where the last one ended. Errors: `invalid-request`. */
export async function* writeMessages(first: WriteRequest, requests: AsyncIterator<WriteRequest, void>): AsyncGenerator<WriteMessage> {
  let offset = first.writeOffset;
  for (let message: WriteRequest | undefined = first; message !== undefined; message = await nextOf(requests)) {
    if (message.resourceName !== '' && message.resourceName !== first.resourceName) throw new MillraceError('invalid-request', `a write of "${first.resourceName}" goes on as one of "${message.resourceName.slice(0, 1000)}"`);
    if (message.writeOffset !== offset) throw new MillraceError('invalid-request', `a write of "${first.resourceName}" goes on at ${message.writeOffset} and not at ${offset}`);
    offset += message.data.length;
    yield { data: message.data, finish: message.finishWrite };
    if (message.finishWrite) return;
  }
}

async function nextOf(requests: AsyncIterator<WriteRequest, void>): Promise<WriteRequest | undefined> {
  const next = await requests.next();
  return next.done === true ? undefined : next.value;
}
