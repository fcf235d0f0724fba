import { execFileSync, spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyOf } from './loopback-origin.js';

/** For git as a client and as the tool of a spec: no settings of the machine or the user. */
export const gitEnvironment = {
  GIT_AUTHOR_NAME: 'Mill',
  GIT_AUTHOR_EMAIL: 'mill@x.test',
  GIT_COMMITTER_NAME: 'Mill',
  GIT_COMMITTER_EMAIL: 'mill@x.test',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};

/** What git prints, without the line feed at its end. */
export function git(directory: string, ...parameters: string[]): string {
  return execFileSync('git', ['-C', directory, ...parameters], { env: { PATH: process.env['PATH'], ...gitEnvironment }, encoding: 'utf8' }).trim();
}

/** What a hostile server answers in place of the honest answer; undefined: that. */
export type Tamper = (request: { readonly url: string; readonly body: Buffer }) => Buffer | undefined;

/** One request of git's smart protocol, answered by git itself (RFC 3875) for the repositories under `root`. */
export async function serveGit(root: string, { request, response, tamper }: { request: IncomingMessage; response: ServerResponse; tamper?: Tamper }): Promise<void> {
  const body = await bodyOf(request);
  const output = await runBackend(root, request, body);
  const end = output.indexOf('\r\n\r\n');
  const fields = output.subarray(0, end).toString('latin1').split('\r\n').map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
  const status = Number(fields.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200);
  response.writeHead(status, Object.fromEntries(fields.filter(([name]) => name !== 'Status')));
  response.end(tamper?.({ url: request.url ?? '', body }) ?? output.subarray(end + 4));
}

function runBackend(root: string, request: IncomingMessage, body: Buffer): Promise<Buffer> {
  const { pathname, search } = new URL(request.url ?? '/', 'https://origin.test');
  const coding = request.headers['content-encoding'];
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      ...gitEnvironment,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      ...(coding === undefined ? {} : { HTTP_CONTENT_ENCODING: coding }),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  backend.stdin.on('error', () => undefined); // git may answer before it has read everything
  backend.stdin.end(body);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    backend.once('error', reject);
    backend.once('close', () => resolve(Buffer.concat(chunks)));
  });
}
