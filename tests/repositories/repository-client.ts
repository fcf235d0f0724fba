import { setTimeout as pause } from 'node:timers/promises';
import { openAsBlob } from 'node:fs';
import path from 'node:path';
import type { ClientService } from '../clients/client-service.js';

/** The keys of a change that these specs read. */
export interface SeenChange {
  readonly id: string;
  readonly phase: string;
  readonly outcome: { readonly state: number; readonly added: readonly string[]; readonly same: readonly string[] } | null;
  readonly problem: { readonly code: string; readonly message: string } | null;
}

/** Repositories by REST, as a build manager that does not give up uses them: whatever breaks off is asked for again, with the same ids. */
export interface RepositoryClient {
  call<T>(method: string, place: string, body?: object): Promise<T>;
  create(name: string, kind: string, settings: object): Promise<void>;
  /** Publishes files in one change; answers when that has ended. */
  publish(name: string, files: readonly string[]): Promise<SeenChange>;
}

export function repositoryClient({ addresses, controlAuth }: Pick<ClientService, 'addresses' | 'controlAuth'>): RepositoryClient {
  const authorization = `Basic ${Buffer.from(controlAuth).toString('base64')}`;

  async function send<T>(place: string, init: () => Promise<RequestInit>): Promise<T> {
    for (;;) {
      const response = await fetch(`${addresses.control}${place}`, { ...(await init()), signal: AbortSignal.timeout(60_000) }).catch(() => undefined);
      const text = await response?.text().catch(() => undefined);
      if (response?.ok === true && text !== undefined) return (text === '' ? undefined : JSON.parse(text)) as T;
      if (response !== undefined && response.status < 500) throw new Error(`${place} answers ${response.status}: ${text}`);
      await pause(100);
    }
  }

  const call = <T>(method: string, place: string, body?: object): Promise<T> =>
    send(place, async () => ({ method, headers: { authorization, 'content-type': 'application/json', prefer: 'wait=20' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }));

  async function upload(name: string, file: string): Promise<string> {
    const id = crypto.randomUUID();
    const place = `/v1/repositories/${name}/uploads?id=${id}&fileName=${encodeURIComponent(path.basename(file))}`;
    await send(place, async () => ({ method: 'POST', headers: { authorization, 'content-type': 'application/octet-stream' }, body: await openAsBlob(file) }));
    return id;
  }

  return {
    call,
    create: async (name, kind, settings) => void (await call('POST', '/v1/repositories', { name, kind, settings })),
    async publish(name, files) {
      const uploads = await Promise.all(files.map((file) => upload(name, file)));
      const changeId = crypto.randomUUID();
      let change = await call<SeenChange>('POST', `/v1/repositories/${name}/publish`, { changeId, uploads });
      while (change.outcome === null && change.problem === null) change = await call('GET', `/v1/repositories/${name}/changes/${changeId}`);
      return change;
    },
  };
}
