import { readFileSync, statSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

export interface FileServer extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  /** Requests for such paths get no answer until this is taken back; resolves when there is one. */
  hold(path: RegExp): Promise<void>;
  release(): void;
}

/** Serves a directory on loopback. */
export async function serveFiles(directory: string): Promise<FileServer> {
  const asked: string[] = [];
  let held: { readonly path: RegExp; readonly waiting: (() => void)[]; readonly onWaiting: () => void } | undefined;
  const server = createServer((request, response) => {
    const place = decodeURIComponent(new URL(request.url ?? '/', 'http://loopback').pathname);
    asked.push(place);
    const answer = (): void => answerFile(place, response);
    if (held?.path.test(place) !== true) return answer();
    held.waiting.push(answer);
    held.onWaiting();
  });
  const answerFile = (place: string, response: ServerResponse): void => {
    const file = path.join(directory, path.normalize(place));
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) response.writeHead(404).end();
    else response.end(readFileSync(file));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    hold: (place) => new Promise((resolve) => (held = { path: place, waiting: [], onWaiting: resolve })),
    release() {
      const waiting = held?.waiting ?? [];
      held = undefined;
      for (const answer of waiting) answer();
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
