import { readFileSync, statSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { TestCertificates } from './test-certificates.js';

/** What both fakes of Pulp are: a server on a socket that asks for a login, and a directory that it serves. */
export interface FakePulp extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  /** Method and address of each request, content aside. */
  readonly asked: string[];
  /** Takes requests away from the server while it is set. */
  instead: RequestListener | undefined;
}

export interface FakePulpOptions {
  /** Absolute path of the content that is served. */
  readonly directory: string;
  /** `user:password`; or else certificates, with which the server speaks TLS and asks for those of clients. */
  readonly login: string | TestCertificates;
}

export interface FakePulpParts extends FakePulpOptions {
  /** Path that content is below, with slashes at both ends. */
  readonly content: string;
  readonly answer: (request: IncomingMessage, response: ServerResponse, url: URL) => void;
  readonly unauthorised: object;
}

export async function startFakePulp({ directory, login, content, answer, unauthorised }: FakePulpParts): Promise<FakePulp> {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://loopback');
    if (url.pathname.startsWith(content)) return serveFile(path.join(directory, path.normalize(decodeURIComponent(url.pathname.slice(content.length - 1)))), response);
    asked.push(`${request.method} ${request.url}`);
    if (pulp.instead !== undefined) return pulp.instead(request, response);
    // With certificates, TLS has refused everybody else.
    if (typeof login === 'string' && request.headers.authorization !== `Basic ${Buffer.from(login).toString('base64')}`) return sendJson(response, 401, unauthorised);
    answer(request, response, url);
  };
  const server = typeof login === 'string' ? createHttp(listener) : createHttps({ ...tlsOf(login), requestCert: true, rejectUnauthorized: true }, listener);
  const scheme = typeof login === 'string' ? 'http' : 'https';
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const pulp: FakePulp = {
    url: `${scheme}://${scheme === 'http' ? '127.0.0.1' : 'localhost'}:${(server.address() as AddressInfo).port}`,
    asked,
    instead: undefined,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return pulp;
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function tlsOf({ authority, server }: TestCertificates): { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer } {
  return { ca: readFileSync(authority), cert: readFileSync(server.certificate), key: readFileSync(server.key) };
}

function serveFile(file: string, response: ServerResponse): void {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return void response.writeHead(404).end();
  response.end(readFileSync(file));
}
