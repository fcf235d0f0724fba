import { z } from 'zod';
import { MillraceError } from '../errors/millrace-error.js';
import type { ChangeRequest } from './repository-change.js';

/** Uploads, contents or keys of one change; more is said by several changes. */
const changeEntries = 1000;
/** Keys that one synchronisation or repair takes out. */
const dropEntries = 10_000;

/** PostgreSQL keeps no NUL, and UTF-8 has no lone surrogates. */
const text = (length: number): z.ZodString => z.string().min(1).max(length).regex(/^[^\0\p{Cs}]*$/u, 'must not have NUL or lone surrogates');
const unique = (items: readonly unknown[]): boolean => new Set(items.map((item) => JSON.stringify(item))).size === items.length;
const twice = 'must not name anything twice';

export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const uploads = z.array(z.string().regex(uuidPattern, 'must be a lower-case UUID')).max(changeEntries).refine(unique, twice);
const keys = (most: number): z.ZodType<string[], string[]> => z.array(text(500)).max(most).refine(unique, twice);
const composeId = z.int().min(1);

const contents = z
  .array(
    z.strictObject({
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest in lower-case hex'),
      from: z.union([z.strictObject({ session: text(200) }), z.strictObject({ compose: composeId }), z.strictObject({ cache: text(200) })]),
    }),
  )
  .max(changeEntries)
  .refine(unique, twice);

const origin = z.strictObject({
  session: text(200).optional(),
  compose: composeId.optional(),
  cache: z.strictObject({ instance: text(200), key: text(500) }).optional(),
  build: text(500).optional(),
  url: text(2000).regex(/^[a-z][a-z0-9+.-]*:\/\/[^/@]*([/?#]|$)/i, 'must be a URL without user and password').optional(),
});

const schema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('publish'), uploads, contents, origin, component: text(200).optional() }).refine((it) => it.uploads.length + it.contents.length > 0, 'must publish something'),
  z.strictObject({ kind: z.literal('remove'), keys: keys(changeEntries).refine((list) => list.length > 0, 'must remove something') }),
  z.strictObject({ kind: z.literal('roll-back'), to: z.int().min(1) }),
  z.strictObject({ kind: z.literal('sign') }),
  z.strictObject({ kind: z.literal('configure') }),
  z.strictObject({ kind: z.literal('synchronise'), uploads, remove: keys(dropEntries), origin }),
  z.strictObject({ kind: z.literal('repair'), remove: keys(dropEntries) }),
]);

/** Build managers ask with their own workflow messages: nothing has looked at them before. Errors: `invalid-request`, with every mistake in its details. */
export function checkChangeRequest(request: ChangeRequest): void {
  const result = schema.safeParse(request);
  if (result.success) return;
  const mistakes = result.error.issues.slice(0, 20).map((issue) => ({ at: issue.path.map(String).join('.'), problem: issue.message }));
  const [first] = mistakes;
  throw new MillraceError('invalid-request', `the change cannot be: ${first?.at ?? ''} ${first?.problem ?? ''}`.trim(), {
    details: mistakes,
    suggestion: `One change has at most ${changeEntries} uploads, contents or keys to remove, each once; say more by several changes.`,
  });
}

/** Errors: `invalid-request`. */
export function checkUuid(id: string, what: string): void {
  if (!uuidPattern.test(id)) throw new MillraceError('invalid-request', `the id of ${what} must be a UUID in lower case, not ${JSON.stringify(id.slice(0, 80))}`);
}
