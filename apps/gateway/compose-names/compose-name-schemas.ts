import { z } from 'zod';
import { composeNamePattern } from '../../../libs/compose-names/compose-names.js';
import { nextCursor, pageLimit } from '../http/page-parameters.js';

/** The shapes of `/v1/compose-names`, one source for validation, types and the OpenAPI document. */
const time = z.iso.datetime({ offset: true });
const id = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
const nameText = z.string().regex(composeNamePattern);

const nameLinks = z
  .object({
    self: z.string(),
    history: z.string(),
    compose: z.string(),
    files: z.string().describe('Leads to the files of the compose that the name points at just then.'),
    repoFile: z.string().describe('For dnf: metadata and packages of one compose, whenever the name moves.'),
  })
  .meta({ id: 'ComposeNameLinks' });

export const composeName = z.object({ name: nameText, composeId: id, since: time, by: z.string(), links: nameLinks }).meta({ id: 'ComposeName' });
export const composeNamePage = z.object({ items: z.array(composeName), nextCursor }).meta({ id: 'ComposeNamePage' });
export const composeNameHistory = z
  .object({ items: z.array(z.object({ composeId: id, since: time, by: z.string(), kind: z.enum(['promoted', 'rolled-back']) })).describe('Newest first.') })
  .meta({ id: 'ComposeNameHistory' });

export const promotion = z.strictObject({ composeId: id, force: z.boolean().default(false).describe('Also a compose that is older than one that the name has had.') }).meta({ id: 'ComposeNamePromotion' });
export const rollback = z.strictObject({ to: id.optional().describe('A compose that the name has pointed at; the one before when absent.') }).meta({ id: 'ComposeNameRollback' });

export const composeNameQuery = z.strictObject({ limit: pageLimit, cursor: nameText.describe('`nextCursor` of the page before.').optional() });
export const composeNameHistoryQuery = z.strictObject({ limit: pageLimit });

export type ComposeNameView = z.infer<typeof composeName>;
export type ComposeNamePage = z.infer<typeof composeNamePage>;
export type ComposeNameHistory = z.infer<typeof composeNameHistory>;
