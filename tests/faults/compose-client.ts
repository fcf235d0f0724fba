import { setTimeout as pause } from 'node:timers/promises';
import type { FaultService } from './fault-service.js';

/** The keys of ODCS's JSON that these specs read. */
export interface SeenCompose {
  readonly id: number;
  readonly state_name: string;
  readonly state_reason: string | null;
  readonly result_repo: string;
}

export interface ComposeClient {
  ask(url: string): Promise<SeenCompose>;
  get(id: number): Promise<SeenCompose>;
  remove(id: number): Promise<void>;
  /** Waits, whatever happens to the gateway meanwhile. */
  ended(id: number): Promise<SeenCompose>;
  /** How often generation was begun, as the workflow says. */
  attempts(id: number): Promise<number>;
}

/** Asks again while the gateway is away, as build systems do. */
export function composeClient({ addresses, controlAuth }: FaultService): ComposeClient {
  const basic = { authorization: `Basic ${Buffer.from(controlAuth).toString('base64')}` };
  async function call<T>(path: string, init: RequestInit): Promise<T> {
    for (;;) {
      const response = await fetch(`${addresses.control}${path}`, { ...init, signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
      if (response?.ok === true) return (await response.json()) as T;
      if (response !== undefined && response.status < 500) throw new Error(`${path} answers ${response.status}: ${await response.text()}`);
      await pause(100);
    }
  }
  const get = (id: number): Promise<SeenCompose> => call(`/api/1/composes/${id}`, {});
  return {
    get,
    ask: (url) => call('/api/1/composes/', { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }, body: JSON.stringify({ source: { type: 'repo', source: url, packages: ['spoon'] } }) }),
    remove: async (id) => void (await call(`/api/1/composes/${id}`, { method: 'DELETE' })),
    async ended(id) {
      for (;;) {
        const compose = await get(id);
        if (!['wait', 'generating'].includes(compose.state_name)) return compose;
        await pause(100);
      }
    },
    attempts: async (id) => {
      for (;;) {
        const { attempts } = await call<{ attempts: number | null }>(`/v1/composes/${id}`, { headers: basic });
        if (attempts !== null) return attempts;
        await pause(100);
      }
    },
  };
}

export interface WatchedRepository {
  /** What was wrong with any state in which the repository could be seen. */
  end(): Promise<readonly string[]>;
}

/** Reads the repository as fast as it can: either it is not there, or it is whole. */
export function watchRepository(repository: string): WatchedRepository {
  const problems = new Set<string>();
  let ended = false;
  const watching = (async () => {
    while (!ended) {
      const index = await read(`${repository}/repodata/repomd.xml`);
      for (const [, href] of index?.matchAll(/<location href="([^"]+)"/g) ?? []) {
        if ((await read(`${repository}/${href}`)) === undefined) problems.add(`${href} is missing although repomd.xml names it`);
      }
      await pause(10);
    }
  })();
  return {
    async end() {
      ended = true;
      await watching;
      return [...problems];
    },
  };
}

async function read(url: string): Promise<string | undefined> {
  for (;;) {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    if (response?.status === 404) return undefined;
    if (response?.ok === true) return response.text();
    await pause(100); // the gateway is away
  }
}
