import { afterAll, beforeAll } from '@jest/globals';
import { startTestCache, type TestCache } from './test-cache.js';
import { connectClients, type TestClients } from './test-clients.js';

export interface TestScene {
  readonly server: TestCache;
  readonly clients: TestClients;
}

/** A cache and its clients for all specs of a file; there once they run. */
export function useTestCache(): TestScene {
  let server: TestCache | undefined;
  let clients: TestClients | undefined;
  beforeAll(async () => {
    server = await startTestCache();
    clients = connectClients(server.address);
  });
  afterAll(async () => {
    clients?.close();
    await server?.close();
  });
  return {
    get server() {
      return there(server);
    },
    get clients() {
      return there(clients);
    },
  };
}

function there<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('the cache is started before the specs of a file');
  return part;
}
