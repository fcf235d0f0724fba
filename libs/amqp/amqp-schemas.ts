import { z } from 'zod';
import { secretSchema, tlsSchema, urlSchema, type SecretPlace, type TlsSettings } from '../settings-file/common-schemas.js';

const common = { username: z.string().min(1).optional(), password: secretSchema.optional(), tls: tlsSchema.optional() };

/** Where a broker of AMQP 0-9-1 is, and how it knows us. */
export const amqp091Keys = {
  ...common,
  url: urlSchema(/^amqps?:$/, 'amqps://broker.example:5671/vhost'),
  /** `external`: the broker knows us by the client certificate. */
  sasl: z.enum(['plain', 'external']).default('plain'),
  /** Seconds; 0: none. */
  heartbeat: z.number().int().min(0).max(600).default(30),
};

export const amqp10Keys = {
  ...common,
  url: urlSchema(/^amqps?:$/, 'amqps://broker.example:5671'),
  sasl: z.enum(['plain', 'external', 'anonymous']).default('plain'),
};

interface Login {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: SecretPlace | undefined;
  readonly tls?: TlsSettings | undefined;
}

export interface Amqp091Broker extends Login {
  readonly sasl: 'plain' | 'external';
  readonly heartbeat: number;
}

export interface Amqp10Broker extends Login {
  readonly sasl: 'plain' | 'external' | 'anonymous';
}

export const loginIsWhole = (broker: Pick<Login, 'username' | 'password'>): boolean => (broker.username === undefined) === (broker.password === undefined);
export const loginMessage = 'username and password belong together';
