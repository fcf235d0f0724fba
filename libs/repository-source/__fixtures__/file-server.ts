import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream';

export interface FileServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** `path` or `path range` of every request, in their order. */
  readonly requests: string[];
  /** Answers instead of the file, unless it returns false. */
  handle: (request: IncomingMessage, response: ServerResponse) => unknown;
}

/** Serves a directory on loopback, with Range and ETag, as a plain web server does. */
export async function serveFiles(directory: string): Promise<FileServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://server.test');
    requests.push(request.headers.range === undefined ? pathname : `${pathname} ${request.headers.range}`);
    if (handling.handle(request, response) === false) sendFile(path.join(directory, decodeURIComponent(pathname)), request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const handling: FileServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    handle: () => false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return handling;
}

function sendFile(file: string, request: IncomingMessage, response: ServerResponse): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) return void response.writeHead(404).end('there is no such file');
  const etag = `"${found.ino}-${found.mtimeMs}-${found.size}"`;
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const partial = start > 0 && [undefined, etag].includes(request.headers['if-range'] as string | undefined);
  response.writeHead(partial ? 206 : 200, {
    etag,
    'content-length': partial ? found.size - start : found.size,
    ...(partial ? { 'content-range': `bytes ${start}-${found.size - 1}/${found.size}` } : {}),
  });
  pipeline(createReadStream(file, { start: partial ? start : 0 }), response, () => undefined);
}
