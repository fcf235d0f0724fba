import { z } from 'zod';

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

export const parkedMessagePage = z.object({ items: z.array(parkedMessage), nextCursor: z.string().nullable().describe('Pass it as `cursor` for the next page; null on the last.') }).meta({ id: 'ParkedMessagePage' });

export const takenEvent = z
  .object({ result: z.enum(['accepted', 'known', 'parked']).describe('`known`: it came before. `parked`: it could not be read, and an operator will see it. In each case it need not be sent again.') })
  .meta({ id: 'TakenEvent' });

const limit = z
  .string()
  .regex(/^\d{1,3}$/, 'must be an integer from 1 to 500')
  .transform(Number)
  .pipe(z.int().min(1).max(500))
  .default(100);

export const parkedMessageQuery = z.strictObject({ limit, cursor: z.string().regex(/^\d{1,15}$/, 'must be the nextCursor of a page').describe('`nextCursor` of the page before; opaque.').optional() });

export type ParkedMessageView = z.infer<typeof parkedMessage>;
export type ParkedMessagePage = z.infer<typeof parkedMessagePage>;
export type TakenEventView = z.infer<typeof takenEvent>;
