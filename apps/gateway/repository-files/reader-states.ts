import { LRUCache } from 'lru-cache';
import type { FastifyRequest } from 'fastify';

/** Milliseconds that a client has between the first file of an index and those that belong to it. */
const time = 3 * 60_000;
const most = 20_000;

/**
 * Which state of a repository a client has begun to read: by its connection, or else by its address and program. Between the files of a pair (`repo.sha256` and `repo`, `repomd.xml` and
 * `repomd.xml.asc`, `Release` and `Release.gpg`) the repository may have moved on.
 */
export interface ReaderStates {
  begun(request: FastifyRequest, repository: string, state: number): void;
  /** Undefined: it has not begun, or long ago. */
  of(request: FastifyRequest, repository: string): number | undefined;
}

export function createReaderStates(): ReaderStates {
  const states = new LRUCache<string, number>({ max: most, ttl: time });
  const connections = new WeakMap<object, string>();
  let connectionCount = 0;
  const keysOf = (request: FastifyRequest, repository: string): readonly [string, string] => {
    const { socket } = request.raw;
    let connection = connections.get(socket);
    if (connection === undefined) connections.set(socket, (connection = `connection ${(connectionCount += 1)}`));
    const program = (request.headers['user-agent'] ?? '').slice(0, 200);
    return [`${repository} ${connection}`, `${repository} ${request.ip} ${program}`];
  };
  return {
    begun: (request, repository, state) => keysOf(request, repository).forEach((key) => states.set(key, state)),
    of(request, repository) {
      const [connection, program] = keysOf(request, repository);
      return states.get(connection) ?? states.get(program);
    },
  };
}
