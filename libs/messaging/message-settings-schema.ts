import { z } from 'zod';
import { compileCidrs } from '../proxy/upstream/special-addresses.js';
import { amqp091Keys, amqp10Keys, loginIsWhole, loginMessage } from '../amqp/amqp-schemas.js';
import { absolutePath, nameSchema, secretSchema, tlsSchema, urlSchema } from '../settings-file/common-schemas.js';

const common = {
  name: nameSchema,
  from: z.enum(['now', 'oldest']).default('now'),
};

const amqp091Schema = z
  .strictObject({
    ...common,
    ...amqp091Keys,
    type: z.literal('amqp-0-9-1'),
    exchange: z.string().min(1).max(255),
    declare: z.boolean().default(true),
    'routing-key-prefix': z.string().max(200).default(''),
    mandatory: z.boolean().default(false),
  })
  .refine(loginIsWhole, loginMessage);

const amqp10Schema = z.strictObject({ ...common, ...amqp10Keys, type: z.literal('amqp-1.0'), address: z.string().min(1) }).refine(loginIsWhole, loginMessage);

const kafkaSchema = z.strictObject({
  ...common,
  type: z.literal('kafka'),
  brokers: z.array(z.string().regex(/^[^\s/:]+:\d{1,5}$|^\[[0-9a-fA-F:.]+\]:\d{1,5}$/, 'must be host:port')).min(1),
  /** The message's own topic when not given. */
  topic: z.string().regex(/^[A-Za-z0-9._-]{1,249}$/, 'must be the name of a topic').optional(),
  declare: z.boolean().default(false),
  tls: z.union([z.boolean(), tlsSchema]).optional(),
  sasl: z.strictObject({ mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']), username: z.string().min(1), password: secretSchema }).optional(),
});

const cidrList = z.array(z.string().refine(isCidr, 'must be a CIDR such as 10.0.0.0/8')).default([]);

const webhookSchema = z.strictObject({
  ...common,
  type: z.literal('webhook'),
  url: urlSchema(/^https?:$/, 'https://receiver.example/hooks'),
  /** Several while one takes the place of another: each signs. */
  secrets: z.array(secretSchema).min(1).max(8),
  'ca-file': absolutePath.optional(),
  'allow-destinations': cidrList,
});

const messageSettingsSchema = z.strictObject({
  /** Days. */
  retention: z.number().int().min(1).max(365).default(7),
  sinks: z
    .array(z.discriminatedUnion('type', [amqp091Schema, amqp10Schema, kafkaSchema, webhookSchema]))
    .max(50)
    .superRefine((sinks, context) => {
      for (const [index, { name }] of sinks.entries()) {
        if (sinks.findIndex((other) => other.name === name) !== index) context.addIssue({ code: 'custom', path: [index, 'name'], message: `is the name of another sink: ${name}` });
      }
    }),
});

/** See docs/how-to/get-messages-about-composes.md. */
export const messageSettingsFile = { schema: messageSettingsSchema, variable: 'MILLRACE_MESSAGES', page: 'docs/how-to/get-messages-about-composes.md' } as const;

export type MessageSettings = z.infer<typeof messageSettingsSchema>;
export type SinkSettings = MessageSettings['sinks'][number];
export type Amqp091Settings = Extract<SinkSettings, { type: 'amqp-0-9-1' }>;
export type Amqp10Settings = Extract<SinkSettings, { type: 'amqp-1.0' }>;
export type KafkaSettings = Extract<SinkSettings, { type: 'kafka' }>;
export type WebhookSettings = Extract<SinkSettings, { type: 'webhook' }>;

function isCidr(value: string): boolean {
  try {
    compileCidrs([value]);
    return true;
  } catch {
    return false;
  }
}
