import { setTimeout as pause } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import type { ClientService } from '../clients/client-service.js';
import { createProxyClient } from './proxy-client.js';
import type { FaultSession } from './fault-session.js';

/** Clients that ask again as soon as they have an answer, whatever it is. */
export interface HammeringClients {
  readonly tries: number;
  /** Clients that have asked and have no answer now. */
  readonly waiting: number;
  answered(status: number): number;
  stop(): Promise<void>;
}

export interface HammeringOptions {
  readonly session: FaultSession;
  readonly authority: SecureContext;
  readonly origins: readonly string[];
  readonly clients: number;
}

export function startHammering(service: ClientService, { session, authority, origins, clients }: HammeringOptions): HammeringClients {
  const statuses = new Map<number, number>();
  let tries = 0;
  let waiting = 0;
  let stopping = false;

  async function hammer(index: number): Promise<void> {
    let client = createProxyClient(service, session, authority);
    for (let count = 0; !stopping; count += 1) {
      waiting += 1;
      const status = await client.get(`${origins[index % origins.length]}/${session.id}/${index}-${count}`).then((answer) => answer.status, () => 0);
      waiting -= 1;
      tries += 1;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 200) continue;
      // A connection that broke or was refused may belong to either process: the next one is a new one.
      client.close();
      client = createProxyClient(service, session, authority);
      await pause(5);
    }
    client.close();
  }

  const all = Promise.all(Array.from({ length: clients }, (_, index) => hammer(index)));
  return {
    get tries() {
      return tries;
    },
    get waiting() {
      return waiting;
    },
    answered: (status) => statuses.get(status) ?? 0,
    async stop() {
      stopping = true;
      await all;
    },
  };
}
