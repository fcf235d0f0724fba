import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import type { ClientService } from '../clients/client-service.js';
import { sha256 } from '../clients/file-digest.js';
import { createProxyClient } from './proxy-client.js';
import type { FaultSession } from './fault-session.js';

const largeBytes = 3_000_000;

/** Serves any path: bytes that follow from it, every ninth file a large one. */
export const serveFiles: RequestListener = (request, response) => {
  const body = fileOf(request.url ?? '');
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length }).end(body);
};

export function fileOf(pathname: string): Buffer {
  const seed = createHash('sha256').update(pathname).digest();
  const size = Number(/\d+$/.exec(pathname)?.[0] ?? 0) % 9 === 0 ? largeBytes : 2000 + seed.readUInt16BE(0);
  return Buffer.alloc(size, seed);
}

export interface CompleteDownload {
  readonly url: string;
  readonly sha256: string;
}

/** A build that downloads one new file after the other on several connections, and each again until it has it. */
export interface ParallelBuild {
  /** What it saw complete: status 200, the whole body, the right bytes. */
  readonly complete: readonly CompleteDownload[];
  /** Tries that failed, on any connection. */
  readonly failures: number;
  /** Ends after the files under way. */
  finish(): Promise<void>;
}

export interface BuildOptions {
  readonly session: FaultSession;
  readonly authority: SecureContext;
  readonly origins: readonly string[];
  readonly connections: number;
}

export function startParallelBuild(service: ClientService, { session, authority, origins, connections }: BuildOptions): ParallelBuild {
  const complete: CompleteDownload[] = [];
  let failures = 0;
  let next = 0;
  let finishing = false;

  async function work(origin: string): Promise<void> {
    const client = createProxyClient(service, session, authority);
    try {
      while (!finishing) {
        next += 1;
        await fetchOnce(`${origin}/files/${next}`, client);
      }
    } finally {
      client.close();
    }
  }

  async function fetchOnce(url: string, client: ReturnType<typeof createProxyClient>): Promise<void> {
    const expected = fileOf(new URL(url).pathname);
    for (;;) {
      try {
        const { status, body } = await client.get(url);
        if (status === 200) {
          if (!body.equals(expected)) throw new WrongBytes(`${url}: ${body.length} bytes that are not those of the origin`);
          complete.push({ url, sha256: sha256(body) });
          return;
        }
      } catch (error) {
        if (error instanceof WrongBytes) throw error;
      }
      failures += 1;
      await pause(50);
    }
  }

  const workers = Promise.all(Array.from({ length: connections }, (_, index) => work(origins[index % origins.length] as string)));
  workers.catch(() => undefined); // told by finish
  return {
    complete,
    get failures() {
      return failures;
    },
    async finish() {
      finishing = true;
      await workers;
    },
  };
}

class WrongBytes extends Error {}
