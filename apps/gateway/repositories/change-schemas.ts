import { z } from 'zod';
import { changeKinds } from '../../../libs/repository/repository-change.js';
import { nextCursor } from '../http/page-parameters.js';
import { listedPackage, origin, packageKey, sha256, time } from './repository-schemas.js';

/** The shapes of changes of a repository. */
const most = 1000;
const count = z.int().min(0);
export const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'must be a UUID in lower case');

const changeId = uuid.optional().describe('Whoever asks again with the same one changes nothing, and is answered what the first came to.');
const force = z.boolean().default(false).describe('Drop as much as it takes, whatever the guard says; for admins.');
const dryRun = z.boolean().default(false).describe('Tell what it would do, and change nothing.');

const contentReference = z
  .strictObject({ sha256, from: z.union([z.strictObject({ session: z.string().min(1).max(128) }), z.strictObject({ compose: z.int().min(1) }), z.strictObject({ cache: z.string().min(1).max(1024) })]) })
  .meta({ id: 'ContentReference' });

export const publication = z
  .strictObject({
    changeId,
    uploads: z.array(uuid).max(most).default([]),
    contents: z.array(contentReference).max(most).default([]),
    origin: origin.default({}),
    component: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/, 'must be the name of a component').optional().describe('Of deb.'),
    force,
    dryRun,
  })
  .refine(({ uploads, contents }) => uploads.length + contents.length > 0, 'uploads: at least one upload or content is needed')
  .refine(({ uploads, contents }) => uploads.length + contents.length <= most, `uploads: at most ${most} packages go into one change`)
  .meta({ id: 'Publication' });
export const removal = z.strictObject({ changeId, keys: z.array(packageKey).min(1).max(most), force, dryRun }).meta({ id: 'PackageRemoval' });
export const rollback = z.strictObject({ changeId, to: z.int().min(1).max(999_999_999), force, dryRun }).meta({ id: 'RepositoryRollback' });
export const signing = z.strictObject({ changeId }).meta({ id: 'RepositorySigning' });
export const maintenance = z.strictObject({ dryRun, force }).meta({ id: 'RepositoryMaintenance' });
export const checking = z.strictObject({ deep: z.boolean().default(false).describe('Read every byte of every package.') }).meta({ id: 'RepositoryCheckRequest' });

export const importing = z
  .strictObject({ url: z.string().min(1).max(2048).describe('http(s), `file:` or `store:<name>/<folder>`; of deb: what stands before `dists/`.'), keys: z.array(z.string().min(1).max(200_000)).max(16).optional().describe('Public keys that its index has to be signed with.'), dryRun, force })
  .meta({ id: 'RepositoryImport' });

const outcome = z.object({ state: count, added: z.array(z.string()), same: z.array(z.string()), removed: z.array(z.string()), obsoleted: z.array(z.string()) }).meta({ id: 'ChangeOutcome' });
const changeProblem = z.object({ code: z.string(), message: z.string(), details: z.array(z.looseObject({})) }).meta({ id: 'ChangeProblem' });

export const changeView = z
  .object({
    id: uuid,
    repository: z.string(),
    kind: z.enum(changeKinds),
    request: z.looseObject({}),
    by: z.string(),
    force: z.boolean(),
    phase: z.enum(['waiting', 'inspected', 'planned', 'done', 'failed']),
    outcome: outcome.nullable(),
    problem: changeProblem.nullable(),
    requestedAt: time,
    endedAt: time.nullable(),
    links: z.object({ self: z.string(), repository: z.string() }),
  })
  .meta({ id: 'RepositoryChange' });
export const changePage = z.object({ items: z.array(changeView), nextCursor }).meta({ id: 'RepositoryChangePage' });
export const changePreview = z
  .object({ dryRun: z.literal(true), added: z.array(listedPackage), same: z.array(z.string()), removed: z.array(listedPackage), obsoleted: z.array(listedPackage), problem: changeProblem.nullable().describe('Why it would be refused; null: it would be done.') })
  .meta({ id: 'ChangePreview' });

export const uploadView = z.object({ id: uuid, repository: z.string(), fileName: z.string(), sha256, size: count, by: z.string(), uploadedAt: time, key: z.string().nullable().describe('Null: not inspected yet.') }).meta({ id: 'PackageUpload' });
export const uploadList = z.object({ items: z.array(uploadView) }).meta({ id: 'PackageUploads' });
export const uploadQuery = z.strictObject({
  fileName: z.string().max(255).optional().describe('As the client calls it; for messages.'),
  id: uuid.optional().describe('Of the upload, so that it can be sent again; a new one where it is absent.'),
});

export const pruned = z.object({ dryRun: z.boolean(), moved: z.array(z.string()), deleted: z.array(z.string()), strangers: z.array(z.string()) }).meta({ id: 'PrunedObjects' });
export const maintenanceReport = z.looseObject({}).meta({ id: 'RepositoryReport', description: 'See docs/reference/repository-checks.md.' });

export type ChangeView = z.infer<typeof changeView>;
export type ChangePage = z.infer<typeof changePage>;
export type ChangePreviewView = z.infer<typeof changePreview>;
export type UploadView = z.infer<typeof uploadView>;
export type PrunedView = z.infer<typeof pruned>;
