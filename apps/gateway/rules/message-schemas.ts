import { z } from 'zod';
import { nextCursor, numberCursor, pageLimit } from '../http/page-parameters.js';

/** The shapes of parked messages and of events, one source for validation, types and the OpenAPI document. */
const id = z.int().min(1);

export const parkedMessage = z
  .object({
    id,
    bus: z.string(),
    topic: z.string(),
    position: id.nullable().describe('Of the message; null where what came is none.'),
    rule: z.string().nullable().describe('That could not make a request of it; null where no rule can read it.'),
    reason: z.string(),
    excerpt: z.string().describe('First characters of what came.'),
    parkedAt: z.iso.datetime({ offset: true }),
  })
  .meta({ id: 'ParkedMessage' });

export const parkedMessagePage = z.object({ items: z.array(parkedMessage), nextCursor }).meta({ id: 'ParkedMessagePage' });

export const takenEvent = z
  .object({ result: z.enum(['accepted', 'known', 'parked']).describe('`known`: it came before. `parked`: it could not be read, and an operator will see it. In each case it need not be sent again.') })
  .meta({ id: 'TakenEvent' });

export const parkedMessageQuery = z.strictObject({ limit: pageLimit, cursor: numberCursor.optional() });

export type ParkedMessageView = z.infer<typeof parkedMessage>;
export type ParkedMessagePage = z.infer<typeof parkedMessagePage>;
export type TakenEventView = z.infer<typeof takenEvent>;
