import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { InspectedBody, InspectedRequest, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import type { Checksum, ChecksumAlgorithm } from '../../rpm/metadata/checksum.js';

/** A body as its client keeps it. */
export interface ClientView {
  readonly body: InspectedBody;
  open(): Readable;
  /** At least the first bytes, for sniffing. */
  head(): Promise<Buffer>;
  /** Each digest is computed at most once, and only when it is asked for. */
  matches(checksum: Checksum): Promise<boolean>;
}

/**
 * Clients that ask for no content coding keep the bytes as they were transferred, whatever the server calls them: many a server says
 * `Content-Encoding: gzip` of each file that ends in `.gz`.
 */
export function createClientView(request: InspectedRequest, response: InspectedResponse, { body, signal }: { body: InspectedBody } & Pick<InspectionContext, 'signal'>): ClientView {
  const raw = (response.header('content-encoding') ?? '') === '' || /^(?:identity)?$/.test(request.header('accept-encoding') ?? '');
  const open = (): Readable => body.open({ raw });
  const known = new Map<ChecksumAlgorithm, Promise<string>>();
  if (raw) known.set('sha256', Promise.resolve(body.sha256)).set('sha1', Promise.resolve(body.sha1));
  const digest = async (algorithm: ChecksumAlgorithm): Promise<string> => {
    const hash = createHash(algorithm);
    for await (const chunk of open() as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      hash.update(chunk);
    }
    return hash.digest('hex');
  };
  return {
    body,
    open,
    head: async () => (raw ? body.head : firstChunk(open())),
    async matches({ algorithm, hex }) {
      const found = known.get(algorithm) ?? digest(algorithm);
      known.set(algorithm, found);
      return (await found) === hex;
    },
  };
}

async function firstChunk(stream: Readable): Promise<Buffer> {
  for await (const chunk of stream as AsyncIterable<Buffer>) return chunk;
  return Buffer.alloc(0);
}

/** MD5 says nothing of a file any more: whoever made the index can have made two files of one digest, and so can others. */
export function isTrustworthy({ algorithm }: Checksum): boolean {
  return algorithm !== 'md5';
}
