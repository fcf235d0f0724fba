import { Inject, Injectable } from '@nestjs/common';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { createMessageIntake } from '../../../libs/event-bus/message-intake.js';
import type { MessageIntake } from '../../../libs/event-bus/message-intake.js';
import { retryParkedMessage } from '../../../libs/event-bus/retry-parked-message.js';
import { unauthorizedWebhook } from '../../../libs/event-bus/webhooks/verify-webhook.js';
import type { WebhookRequest } from '../../../libs/event-bus/webhooks/verify-webhook.js';
import type { BusDependencies } from '../gateway-ports.js';
import { BUSES } from '../gateway-tokens.js';
import { validate } from '../http/parse-json-body.js';
import { parkedMessageQuery } from './message-schemas.js';
import type { ParkedMessagePage, ParkedMessageView, TakenEventView } from './message-schemas.js';

/** Milliseconds that a webhook waits for a record that is away; its sender comes again. */
const patience = 1500;

@Injectable()
export class MessagesService {
  private readonly intake: MessageIntake;

  constructor(@Inject(BUSES) private readonly buses: BusDependencies) {
    this.intake = createMessageIntake({ messages: buses.messages, patience });
  }

  /** Resolves when the event is durable. */
  async take(bus: string, request: WebhookRequest): Promise<TakenEventView> {
    const webhook = this.buses.webhooks.get(bus);
    if (webhook === undefined) throw unauthorizedWebhook();
    return { result: await this.intake.take(await webhook.receive(request)) };
  }

  /** Newest first. */
  async parked(query: unknown): Promise<ParkedMessagePage> {
    const { limit, cursor } = validate(parkedMessageQuery, query);
    const found = await this.buses.messages.parked({ limit: limit + 1, ...(cursor === undefined ? {} : { beforeId: Number(cursor) }) });
    const items = found.slice(0, limit);
    return { items: items.map((each) => ({ ...each })), nextCursor: found.length > limit ? String(items.at(-1)?.id) : null };
  }

  async retry(id: string, by: string): Promise<ParkedMessageView> {
    return { ...(await retryParkedMessage(parkedId(id), { messages: this.buses.messages, replay: (rule, position) => this.buses.replay(rule, { position, by }) })) };
  }

  async drop(id: string): Promise<ParkedMessageView> {
    return { ...(await this.buses.messages.unpark(parkedId(id))) };
  }
}

function parkedId(id: string): number {
  if (/^[1-9]\d{0,14}$/.test(id)) return Number(id);
  throw new MillraceError('message-not-found', 'no such message is parked');
}
