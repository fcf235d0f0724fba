import { z } from 'zod';
import { amqp091Keys, amqp10Keys, loginIsWhole, loginMessage } from '../amqp/amqp-schemas.js';
import { compileJsonPath } from '../compose-rules/json-path.js';
import { errorMessage } from '../errors/error-message.js';
import { nameSchema, secretSchema } from '../settings-file/common-schemas.js';

const topicText = z.string().min(1).max(255);
/** Messages that are under way at once. */
const prefetch = z.int().min(1).max(1000).default(100);

const amqp091Schema = z
  .strictObject({
    name: nameSchema,
    ...amqp091Keys,
    type: z.literal('amqp-0-9-1'),
    queue: z.string().min(1).max(255),
    declare: z.boolean().default(true),
    'queue-type': z.enum(['classic', 'quorum']).default('classic'),
    bindings: z.array(z.strictObject({ exchange: z.string().min(1).max(255), topics: z.array(topicText).min(1).max(100) })).max(50).default([]),
    prefetch,
  })
  .refine(loginIsWhole, loginMessage)
  .refine(({ declare, bindings }) => declare || bindings.length === 0, 'bindings are declared: they need declare: true');

const amqp10Schema = z
  .strictObject({
    name: nameSchema,
    ...amqp10Keys,
    type: z.literal('amqp-1.0'),
    address: z.string().min(1).max(1000),
    selector: z.string().min(1).max(2000).optional(),
    'topic-property': z.string().min(1).max(200).optional(),
    prefetch,
  })
  .refine(loginIsWhole, loginMessage);

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'must be the name of a header')
  .transform((name) => name.toLowerCase());
const secrets = z.array(secretSchema).min(1).max(8);

const verifySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('standard-webhooks'), secrets }),
  z.strictObject({ kind: z.literal('hmac'), secrets, header: headerName.default('x-hub-signature-256'), algorithm: z.enum(['sha256', 'sha512']).default('sha256'), prefix: z.string().max(50).default('sha256=') }),
  z.strictObject({ kind: z.literal('token'), secrets, header: headerName.default('authorization'), prefix: z.string().max(50).default('Bearer ') }),
]);

const jsonPath = z.string().superRefine((path, context) => {
  try {
    compileJsonPath(path);
  } catch (error) {
    context.addIssue({ code: 'custom', message: errorMessage(error) });
  }
});

const topicSchema = z.union([z.strictObject({ header: headerName, prefix: z.string().max(100).default('') }), z.strictObject({ path: jsonPath, prefix: z.string().max(100).default('') }), z.strictObject({ fixed: topicText })], {
  error: 'must be header: <name>, path: <JSONPath>, or fixed: <topic>',
});

const webhookSchema = z.strictObject({
  name: nameSchema,
  type: z.literal('webhook'),
  verify: verifySchema,
  topic: topicSchema,
  'id-header': headerName.optional(),
});

/** Keys of the file `MILLRACE_COMPOSE_RULES` that are about messages; `rules:` stands beside them. See docs/reference/compose-buses.md. */
export const busFileKeys = {
  buses: z
    .array(z.discriminatedUnion('type', [amqp091Schema, amqp10Schema, webhookSchema]))
    .max(50)
    .superRefine((buses, context) => {
      for (const [index, { name }] of buses.entries()) {
        if (buses.findIndex((other) => other.name === name) !== index) context.addIssue({ code: 'custom', path: [index, 'name'], message: `is the name of another bus: ${name}` });
      }
    }),
  /** Days that messages are kept, and those that are parked. */
  retention: z.int().min(1).max(365).default(14),
  'parked-retention': z.int().min(1).max(3650).default(90),
};

export type BusSettings = z.infer<(typeof busFileKeys)['buses']>[number];
export type Amqp091Bus = Extract<BusSettings, { type: 'amqp-0-9-1' }>;
export type Amqp10Bus = Extract<BusSettings, { type: 'amqp-1.0' }>;
export type WebhookBus = Extract<BusSettings, { type: 'webhook' }>;
