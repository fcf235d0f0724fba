import type { Socket } from 'node:net';
import { MillraceError } from '../../errors/millrace-error.js';
import { bracketHost } from '../target/host.js';
import type { OpenOptions } from './open-socket.js';

/** The proxy that Millrace itself has to go through. */
export interface ParentProxy {
  readonly host: string;
  readonly port: number;
  /** Value of the Proxy-Authorization field, undefined without credentials. */
  readonly authorization: string | undefined;
}

const maximumHead = 16_384;

/** Reads `http://[user:password@]host[:port]`. Throws `invalid-setting`, without repeating the URL, which may hold a password. */
export function parseParentProxy(value: string): ParentProxy {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.protocol !== 'http:' || url.hostname === '') {
    throw new MillraceError('invalid-setting', 'the upstream proxy must be an http:// URL', { suggestion: 'Set MILLRACE_UPSTREAM_PROXY to http://[user:password@]host:port.' });
  }
  const credentials = url.username === '' && url.password === '' ? undefined : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 80 : Number(url.port),
    authorization: credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
  };
}

/** Asks the parent proxy for a tunnel on a fresh connection. Rejects with a reason when it says no; the socket is destroyed then. */
export function openTunnel(socket: Socket, target: { readonly host: string; readonly port: number }, parent: ParentProxy & OpenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const timer = setTimeout(() => settle('the upstream proxy did not answer in time'), parent.timeout);
    const onAbort = (): void => settle('aborted');
    const onError = (error: Error): void => settle(`the upstream proxy failed: ${error.message}`);
    const onEnd = (): void => settle('the upstream proxy closed the connection');
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if ((end === -1 ? head.length : end) > maximumHead) return settle('the answer of the upstream proxy is too long');
      if (end === -1) return;
      // In TLS the client speaks first: bytes behind the head are not the server's.
      const problem = tunnelProblem(head.toString('latin1', 0, end)) ?? (head.length > end + 4 ? 'the upstream proxy sent data before the tunnel was used' : undefined);
      settle(problem);
    };
    function settle(problem: string | undefined): void {
      clearTimeout(timer);
      parent.signal?.removeEventListener('abort', onAbort);
      socket.off('data', onData).off('error', onError).off('end', onEnd).off('close', onEnd);
      socket.pause();
      if (problem === undefined) return resolve();
      socket.on('error', () => undefined).destroy();
      reject(new Error(problem));
    }
    socket.on('data', onData).on('error', onError).once('end', onEnd).once('close', onEnd);
    if (parent.signal?.aborted === true) return onAbort();
    parent.signal?.addEventListener('abort', onAbort, { once: true });
    const authority = `${bracketHost(target.host)}:${target.port}`;
    const credentials = parent.authorization === undefined ? '' : `Proxy-Authorization: ${parent.authorization}\r\n`;
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
  });
}

function tunnelProblem(head: string): string | undefined {
  const match = /^HTTP\/1\.[01] ([0-9]{3})(?: [^\r\n]*)?(?:\r\n|$)/.exec(head);
  if (match === null) return 'the upstream proxy did not answer in HTTP/1.1';
  const status = Number(match[1]);
  if (status >= 200 && status < 300) return undefined;
  return status === 407 ? 'the upstream proxy refused the credentials of MILLRACE_UPSTREAM_PROXY (407)' : `the upstream proxy refused the tunnel (${status})`;
}
