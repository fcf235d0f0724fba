import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** A request as it came, named as S3's documentation names it: `PutObject`, `UploadPart`, `CompleteMultipartUpload` … */
export interface S3Request {
  readonly operation: string;
  readonly method: string;
  /** With the bucket, decoded, without the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export type S3Fault =
  /** Answered without asking the server. `code` as in S3's XML. */
  | { readonly answer: number; readonly code: string }
  /** The same with a body of another kind. */
  | { readonly answer: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  /** The server carries the request out, and nobody hears of it. */
  | { readonly lost: true }
  /** Milliseconds before the request goes on. */
  | { readonly delayed: number }
  /** So many bytes of the answer, then the connection breaks; or nothing more comes. */
  | { readonly truncated: number }
  | { readonly stalled: number }
  /** One byte is another one, of what is sent or of what is answered. */
  | { readonly corrupted: 'request' | 'answer' };

export interface FaultyS3 {
  /** `http://127.0.0.1:…`; the server behind it checks the same signatures. */
  readonly endpoint: string;
  /** All so far, in their order. */
  readonly requests: readonly S3Request[];
  /** The next `times` requests that match have the fault, or all from now on. A later call goes before an earlier one. */
  inject(fault: S3Fault, options?: { readonly on?: string | ((request: S3Request) => boolean); readonly times?: number }): void;
  /** Called before a request goes to the server: what happens in between, such as another writer. */
  before(on: string, work: () => Promise<void>): void;
  heal(): void;
  close(): Promise<void>;
}

interface Injected {
  readonly fault: S3Fault;
  readonly matches: (request: S3Request) => boolean;
  left: number;
}

/** A proxy before a real S3 server, whose faults are told by the spec. */
export async function startFaultyS3(server: string): Promise<FaultyS3> {
  const requests: S3Request[] = [];
  let injected: Injected[] = [];
  let interludes: { readonly on: string; readonly work: () => Promise<void> }[] = [];

  function faultFor(request: S3Request): S3Fault | undefined {
    const found = injected.find(({ left, matches }) => left > 0 && matches(request));
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = describe(request);
    requests.push(seen);
    const interlude = interludes.find(({ on }) => on === seen.operation);
    if (interlude !== undefined) {
      interludes = interludes.filter((each) => each !== interlude);
      await interlude.work();
    }
    const fault = faultFor(seen);
    if (fault !== undefined && 'answer' in fault) return answer(request, response, fault);
    if (fault !== undefined && 'delayed' in fault) await pause(fault.delayed);
    await relay(server, { request, response, fault });
  }

  const proxy = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    requests,
    inject(fault, { on = () => true, times = Number.POSITIVE_INFINITY } = {}) {
      injected.unshift({ fault, left: times, matches: typeof on === 'string' ? ({ operation }) => operation === on : on });
    },
    before: (on, work) => void interludes.push({ on, work }),
    heal() {
      injected = [];
      interludes = [];
    },
    async close() {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, fault: Extract<S3Fault, { answer: number }>): void {
  // Read to its end, so that the client hears the answer.
  request.resume();
  request.once('end', () => {
    const body = 'code' in fault ? `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${fault.code}</Code><Message>injected</Message></Error>` : fault.body;
    response.writeHead(fault.answer, { 'content-type': 'application/xml', ...('code' in fault ? {} : fault.headers) });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
}

/** Headers as they came, the host among them, which the signature covers. */
async function relay(server: string, { request, response, fault }: { request: IncomingMessage; response: ServerResponse; fault: S3Fault | undefined }): Promise<void> {
  const { hostname, port } = new URL(server);
  const upstream = forward({ hostname, port, method: request.method, path: request.url, headers: request.rawHeaders as unknown as Record<string, string>, setHost: false, agent: false });
  const answered = new Promise<IncomingMessage>((resolve, reject) => upstream.once('response', resolve).on('error', reject));
  answered.catch(() => undefined); // told by whoever awaits it
  const damaged = fault !== undefined && 'corrupted' in fault ? fault.corrupted : undefined;
  await (damaged === 'request' ? pipeline(request, corrupting(), upstream) : pipeline(request, upstream));
  const received = await answered;
  if (fault !== undefined && 'lost' in fault) {
    received.resume();
    await new Promise((resolve) => received.once('close', resolve));
    response.destroy();
    return;
  }
  response.writeHead(received.statusCode ?? 502, received.rawHeaders);
  if (fault !== undefined && ('truncated' in fault || 'stalled' in fault)) {
    await cut(received, response, 'truncated' in fault ? fault.truncated : fault.stalled);
    if ('truncated' in fault) response.destroy();
    return;
  }
  await (damaged === 'answer' ? pipeline(received, corrupting(), response) : pipeline(received, response));
}

async function cut(received: IncomingMessage, response: ServerResponse, bytes: number): Promise<void> {
  let left = bytes;
  for await (const chunk of received as AsyncIterable<Buffer>) {
    await new Promise((resolve) => response.write(chunk.subarray(0, left), resolve));
    left -= chunk.length;
    if (left <= 0) return;
  }
}

function corrupting(): Transform {
  let done = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      const changed = Buffer.from(chunk);
      if (!done && changed.length > 0) changed.writeUInt8(changed.readUInt8(0) ^ 1, 0);
      done ||= changed.length > 0;
      next(null, changed);
    },
  });
}

function describe({ method = '', url = '', headers }: IncomingMessage): S3Request {
  const { pathname, searchParams } = new URL(url, 'http://s3.test');
  const path = decodeURIComponent(pathname);
  return { operation: operationOf(method, path.split('/').filter((part) => part !== '').length > 1, searchParams, headers), method, path, headers };
}

function operationOf(method: string, isObject: boolean, query: URLSearchParams, headers: IncomingMessage['headers']): string {
  const copies = headers['x-amz-copy-source'] !== undefined;
  if (!isObject) return method === 'GET' && query.has('uploads') ? 'ListMultipartUploads' : 'ListObjects';
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  if (method === 'DELETE') return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  if (method === 'PUT' && query.has('partNumber')) return copies ? 'UploadPartCopy' : 'UploadPart';
  if (method === 'PUT') return copies ? 'CopyObject' : 'PutObject';
  return method === 'HEAD' ? 'HeadObject' : 'GetObject';
}
