import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createReadStream, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface UpstreamServer {
  readonly url: string;
  readonly port: number;
  /** Paths that were asked for, in their order. */
  readonly asked: string[];
  /** What is answered in the place of files, by a part of the path; the first that fits. */
  readonly answers: Map<string, Answer>;
  close(): Promise<void>;
}

/** A directory as a web server gives it, where nothing else is told. */
export async function startUpstream(directory: string): Promise<UpstreamServer> {
  const asked: string[] = [];
  const answers = new Map<string, Answer>();
  const server: Server = createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url ?? '/', 'http://upstream.test').pathname);
    asked.push(name);
    const answer = [...answers].find(([part]) => name.includes(part))?.[1] ?? serveFile(path.join(directory, path.posix.normalize(name)));
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    answers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function serveFile(file: string): Answer {
  return (_request, response) => {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats?.isFile() !== true) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': stats.size });
    createReadStream(file).pipe(response);
  };
}
