import { execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** For git as a tool of specs: nothing of the machine's or the user's settings. */
export const plainGit = { PATH: process.env['PATH'] ?? '', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', GIT_AUTHOR_NAME: 'Mill', GIT_AUTHOR_EMAIL: 'mill@x.test', GIT_COMMITTER_NAME: 'Mill', GIT_COMMITTER_EMAIL: 'mill@x.test' };

/** What git prints, without the line feed at its end. */
export function git(directory: string, ...parameters: readonly string[]): string {
  return execFileSync('git', ['-C', directory, ...parameters], { env: plainGit, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** Real git behind a socket (`git http-backend`), for the repositories below a directory. */
export interface GitServer extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Method, path and `Authorization` of each request. */
  readonly asked: { readonly method: string; readonly url: string; readonly authorization: string | undefined }[];
  /** Takes requests away from git while it is set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** The honest answer. */
  answer(request: IncomingMessage, response: ServerResponse): void;
}

export async function startGitServer(root: string): Promise<GitServer> {
  const asked: { method: string; url: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    asked.push({ method: request.method ?? '', url: request.url ?? '', authorization: request.headers.authorization });
    if (started.instead !== undefined) started.instead(request, response);
    else started.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const started: GitServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    instead: undefined,
    answer: (request, response) => runBackend(root, request, response),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return started;
}

function runBackend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://loopback');
  const { 'content-type': type = '', 'content-encoding': coding = '', 'git-protocol': protocol } = request.headers;
  const length = request.headers['content-length'];
  const backend = spawn('git', ['http-backend'], {
    env: { ...plainGit, GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: decodeURIComponent(pathname), QUERY_STRING: search.slice(1), REQUEST_METHOD: request.method, CONTENT_TYPE: type, HTTP_CONTENT_ENCODING: coding, GIT_PROTOCOL: String(protocol ?? ''), ...(length === undefined ? {} : { CONTENT_LENGTH: length }) },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  backend.stdin.on('error', () => undefined); // git may answer before it has read everything
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  backend.once('close', () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    const fields = output.subarray(0, end).toString('latin1').split('\r\n').map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
    const status = Number(fields.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(fields.filter(([name]) => name !== 'Status'))).end(output.subarray(end + 4));
  });
}
