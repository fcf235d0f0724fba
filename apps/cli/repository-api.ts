import { z } from 'zod';
import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { ControlClient, ControlRequest } from './control-client.js';

/** What the command line uses of `/v1/repositories`; keys that it does not know pass through to `--json`. */
const count = z.int();
const upkeepTurn = z.looseObject({ at: z.string(), trouble: z.string().nullable() }).nullable();
const repositorySchema = z.looseObject({
  name: z.string(),
  kind: z.string(),
  state: count,
  packages: count,
  bytes: count,
  createdAt: z.string(),
  createdBy: z.string(),
  changedAt: z.string(),
  place: z.looseObject({ store: z.string(), folder: z.string() }),
  settings: z.looseObject({ keys: z.array(z.string()).optional(), maxBytes: z.number().nullish() }),
  links: z.looseObject({ files: z.string(), bucket: z.string().nullable() }),
  status: z.looseObject({ step: z.string(), waiting: count, trouble: z.string().nullable() }).nullish(),
  upkeep: z.looseObject({ check: upkeepTurn, synchronisation: upkeepTurn }).nullish(),
});
const packageSchema = z.looseObject({ key: z.string(), sha256: z.string(), size: count, name: z.string(), version: z.string(), architecture: z.string(), addedAt: z.string(), url: z.string() });
const knownSchema = packageSchema.extend({ listed: z.array(z.looseObject({ from: count, until: count.nullable() })), origin: z.looseObject({}), publishedBy: z.string() });
const originsSchema = z.looseObject({ items: z.array(z.looseObject({ session: z.string().optional(), compose: z.number().optional(), cache: z.looseObject({ instance: z.string(), key: z.string() }).optional(), repository: z.string().optional() })) });
const stateSchema = z.looseObject({ state: count, at: z.string(), kinds: z.array(z.string()), by: z.array(z.string()), packages: count, added: count, removed: count });
const outcomeSchema = z.looseObject({ state: count, added: z.array(z.string()), same: z.array(z.string()), removed: z.array(z.string()), obsoleted: z.array(z.string()) });
const problemSchema = z.looseObject({ code: z.string(), message: z.string(), details: z.array(z.looseObject({})) });
const changeSchema = z.looseObject({ id: z.string(), repository: z.string(), kind: z.string(), by: z.string(), phase: z.string(), outcome: outcomeSchema.nullable(), problem: problemSchema.nullable(), requestedAt: z.string(), endedAt: z.string().nullable() });
const previewSchema = z.looseObject({ dryRun: z.literal(true), added: z.array(packageSchema), same: z.array(z.string()), removed: z.array(packageSchema), obsoleted: z.array(packageSchema), problem: problemSchema.nullable() });
const uploadSchema = z.looseObject({ id: z.string(), fileName: z.string(), sha256: z.string(), size: count });
const prunedSchema = z.looseObject({ dryRun: z.boolean(), moved: z.array(z.string()), deleted: z.array(z.string()), strangers: z.array(z.string()) });
const diffSchema = z.looseObject({ from: count, to: count, added: z.array(packageSchema), removed: z.array(packageSchema) });
const reportSchema = z.looseObject({});
const synchronisedSchema = z.looseObject({
  listed: count,
  wanted: count,
  taken: count,
  bytes: count,
  removed: z.array(z.string()),
  refused: z.array(z.looseObject({ path: z.string(), code: z.string(), reason: z.string() })),
  refusals: count,
  changes: z.array(z.string()),
});
const repairedSchema = z.looseObject({
  steps: z.array(z.looseObject({ action: z.string(), path: z.string().optional(), package: z.string().optional() })),
  left: z.array(z.looseObject({ message: z.string() })),
  changes: z.array(z.string()),
});
const nextCursor = z.string().nullable();
const pageOf = <Item extends z.ZodType>(item: Item) => z.looseObject({ items: z.array(item), nextCursor });

export type RepositoryView = z.infer<typeof repositorySchema>;
export type PackageView = z.infer<typeof packageSchema>;
export type FoundOrigin = z.infer<typeof originsSchema>['items'][number];
export type KnownPackageView = z.infer<typeof knownSchema>;
export type StateView = z.infer<typeof stateSchema>;
export type ChangeView = z.infer<typeof changeSchema>;
export type PreviewView = z.infer<typeof previewSchema>;
export type UploadView = z.infer<typeof uploadSchema>;
export type PrunedView = z.infer<typeof prunedSchema>;
export type SynchronisedView = z.infer<typeof synchronisedSchema>;
export type RepairedView = z.infer<typeof repairedSchema>;
export type DiffView = z.infer<typeof diffSchema>;
export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}
/** What a dry run is answered with. */
export function isPreview(answer: ChangeView | PreviewView): answer is PreviewView {
  return answer['dryRun'] === true;
}

export type Query = Readonly<Record<string, string | undefined>>;

const root = '/v1/repositories';
export const placeOf = (name: string): string => `${root}/${encodeURIComponent(name)}`;
/** Milliseconds that an answer may take besides what was asked for with `Prefer: wait`. */
const margin = 60_000;
/** A repository of a hundred thousand packages is listed and read. */
const longest = 60 * 60_000;

export const listRepositories = (client: ControlClient, query: Query): Promise<PageOf<RepositoryView>> => get(client, `${root}${search(query)}`, pageOf(repositorySchema));
export const findRepository = (client: ControlClient, name: string): Promise<RepositoryView> => get(client, placeOf(name), repositorySchema);
export const listPackages = (client: ControlClient, name: string, query: Query): Promise<PageOf<PackageView>> => get(client, `${placeOf(name)}/packages${search(query)}`, pageOf(packageSchema));
export const findPackage = (client: ControlClient, name: string, key: string): Promise<KnownPackageView> => get(client, `${placeOf(name)}/packages/${encodeURIComponent(key)}`, knownSchema);
/** Who has had these bytes. */
export const findOrigins = async (client: ControlClient, sha256: string): Promise<readonly FoundOrigin[]> => (await get(client, `/v1/packages/${sha256}/origins`, originsSchema)).items;
export const listStates = (client: ControlClient, name: string, query: Query): Promise<PageOf<StateView>> => get(client, `${placeOf(name)}/states${search(query)}`, pageOf(stateSchema));
export const listChanges = (client: ControlClient, name: string, query: Query): Promise<PageOf<ChangeView>> => get(client, `${placeOf(name)}/changes${search(query)}`, pageOf(changeSchema));
export const diffStates = (client: ControlClient, name: string, query: Query): Promise<DiffView> => get(client, `${placeOf(name)}/diff${search(query)}`, diffSchema);
export const findUpload = (client: ControlClient, name: string, id: string): Promise<UploadView> => get(client, `${placeOf(name)}/uploads/${id}`, uploadSchema);
export const parseUpload = (value: unknown): UploadView => parse(uploadSchema, value);

export async function createRepository(client: ControlClient, body: object): Promise<RepositoryView> {
  return parse(repositorySchema, await client.json({ method: 'POST', path: root, body }));
}

export async function configureRepository(client: ControlClient, name: string, settings: object): Promise<RepositoryView> {
  return parse(repositorySchema, await client.json({ method: 'PATCH', path: placeOf(name), body: { settings } }));
}

export async function deleteRepository(client: ControlClient, name: string, force: boolean): Promise<void> {
  await client.text({ method: 'DELETE', path: `${placeOf(name)}${force ? '?force=true' : ''}` });
}

export type ChangeAction = 'publish' | 'remove' | 'rollback' | 'sign';

/** `wait`: seconds. */
export async function requestChange(client: ControlClient, { name, action, body, wait, signal }: { readonly name: string; readonly action: ChangeAction; readonly body: object; readonly wait: number; readonly signal?: AbortSignal }): Promise<ChangeView | PreviewView> {
  const answer = await client.json({ method: 'POST', path: `${placeOf(name)}/${action}`, body, ...waiting(wait), ...(signal === undefined ? {} : { signal }) });
  return (answer as { readonly dryRun?: unknown } | null)?.dryRun === true ? parse(previewSchema, answer) : parse(changeSchema, answer);
}

export async function findChange(client: ControlClient, name: string, { id, wait }: { readonly id: string; readonly wait: number }): Promise<ChangeView> {
  return parse(changeSchema, await client.json({ method: 'GET', path: `${placeOf(name)}/changes/${encodeURIComponent(id)}`, ...(wait === 0 ? {} : waiting(wait)) }));
}

export const checkRepository = (client: ControlClient, name: string, body: object): Promise<Readonly<Record<string, unknown>>> => maintain(client, { name, action: 'check', body }, reportSchema);
export const repairRepository = (client: ControlClient, name: string, body: object): Promise<RepairedView> => maintain(client, { name, action: 'repair', body }, repairedSchema);
/** `sync` follows the upstream of a mirror, `import` takes over what lies elsewhere. */
export const synchroniseRepository = (client: ControlClient, asked: { readonly name: string; readonly action: 'sync' | 'import'; readonly body: object }): Promise<SynchronisedView> => maintain(client, asked, synchronisedSchema);
export const pruneRepository = (client: ControlClient, name: string, body: object): Promise<PrunedView> => maintain(client, { name, action: 'prune', body }, prunedSchema);

async function maintain<Schema extends z.ZodType>(client: ControlClient, { name, action, body }: { readonly name: string; readonly action: string; readonly body: object }, schema: Schema): Promise<z.infer<Schema>> {
  return parse(schema, await client.json({ method: 'POST', path: `${placeOf(name)}/${action}`, body, timeout: longest }));
}

export const readReportText = (client: ControlClient, name: string): Promise<string> => client.text({ method: 'GET', path: `${placeOf(name)}/report.txt` });

function waiting(wait: number): Pick<ControlRequest, 'header' | 'timeout'> {
  return { header: { prefer: `wait=${wait}` }, timeout: wait * 1000 + margin };
}

async function get<Schema extends z.ZodType>(client: ControlClient, path: string, schema: Schema): Promise<z.infer<Schema>> {
  return parse(schema, await client.json({ method: 'GET', path }));
}

export function search(query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MillraceError('internal', `the service's answer is not about a repository: ${errorMessage(parsed.error).slice(0, 300)}`, { cause: parsed.error, suggestion: 'Is the service as new as this program?' });
}
