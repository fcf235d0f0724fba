import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { BusMessage } from '../../../libs/compose-rules/bus-message.js';
import type { ParkedMessage, UnreadMessage } from '../../../libs/event-bus/incoming-messages.js';
import type { WebhookReceiver } from '../../../libs/event-bus/webhooks/webhook-receiver.js';
import type { BusDependencies } from '../gateway-ports.js';

/** Messages of buses in memory, for specs of what the gateway itself does with HTTP. */
export class MemoryBuses {
  readonly accepted: BusMessage[] = [];
  readonly held: (ParkedMessage & { readonly unread: UnreadMessage | null })[] = [];
  readonly replayed: string[] = [];
  /** What every call of the record and of the engine rejects with. */
  away: MillraceError | undefined;
  #lastId = 0;

  dependencies(webhooks: readonly WebhookReceiver[] = []): BusDependencies {
    return {
      webhooks: new Map(webhooks.map((webhook) => [webhook.name, webhook])),
      messages: {
        accept: async (message) => {
          this.#check();
          const before = this.accepted.findIndex(({ bus, id }) => bus === message.bus && id === message.id);
          if (before >= 0) return { position: before + 1, known: true };
          return { position: this.accepted.push(message), known: false };
        },
        park: async (parked, unread) => {
          this.#check();
          this.held.push({ ...parked, id: ++this.#lastId, parkedAt: '2026-03-20T10:00:00.000Z', unread: unread ?? null });
        },
        parked: async ({ limit, beforeId = Infinity }) => {
          this.#check();
          return this.held.filter(({ id }) => id < beforeId).toReversed().slice(0, limit).map(withoutUnread);
        },
        parkedMessage: async (id) => this.#find(id),
        unpark: async (id) => {
          const parked = this.#find(id);
          this.held.splice(this.held.indexOf(parked), 1);
          return withoutUnread(parked);
        },
        totals: async () => [],
        after: async (position, limit) => this.accepted.slice(position, position + limit).map((message, index) => ({ ...message, position: position + index + 1, receivedAt: '2026-03-20T10:00:00.000Z' })),
        positionBefore: async () => 0,
      },
      replay: async (rule, { position, by }) => {
        this.#check();
        this.replayed.push(`${rule} ${position} by ${by}`);
      },
    };
  }

  #find(id: number): ParkedMessage & { readonly unread: UnreadMessage | null } {
    this.#check();
    const parked = this.held.find((each) => each.id === id);
    if (parked === undefined) throw new MillraceError('message-not-found', `no message ${id} is parked`);
    return parked;
  }

  #check(): void {
    if (this.away !== undefined) throw this.away;
  }
}

function withoutUnread({ unread: _unread, ...parked }: ParkedMessage & { readonly unread: UnreadMessage | null }): ParkedMessage {
  return parked;
}
