import { z } from 'zod';
import type { RepositoryKind, RepositorySettings } from '../../../libs/repository/repository.js';
import { validate } from '../http/parse-json-body.js';

const seconds = z.int().min(0).max(10 * 365 * 86_400);
const word = z.string().max(512).regex(/^[^\p{Cc}]*$/u, 'must be one line');
const name = word.min(1);

const schema = z.strictObject({
  haiku: z.strictObject({ name, identifier: name, baseUrl: word, vendor: name, summary: word, priority: z.int().min(0).max(255), architecture: name }).nullable().default(null),
  rpm: z.strictObject({ compression: z.enum(['gzip', 'zstd']).default('zstd'), packageKeys: z.array(name).max(100).default([]) }).nullable().default(null),
  deb: z.strictObject({ origin: word, label: word, suite: name, codename: name, description: word, components: z.array(name).min(1).max(100), architectures: z.array(name).min(1).max(100), validSeconds: seconds.nullable() }).nullable().default(null),
  keys: z.array(name).max(16).default([]),
  keepVersions: z.int().min(1).max(1_000_000).nullable().default(null),
  guard: z.strictObject({ packages: z.int().min(0), share: z.number().min(0).max(1) }).default({ packages: 100, share: 0.5 }),
  graceSeconds: seconds.default(86_400),
  obsoleteSeconds: seconds.nullable().default(30 * 86_400),
  checkSeconds: seconds.nullable().default(86_400),
  upstream: z.strictObject({ url: z.url().max(2048), everySeconds: seconds.nullable() }).nullable().default(null),
});

export function settingsOf(_kind: RepositoryKind, given: unknown): RepositorySettings {
  return validate(schema, given);
}
