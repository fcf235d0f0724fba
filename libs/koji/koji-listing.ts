import { z } from 'zod';
import type { ComposeRequest } from '../compose/compose-request.js';
import { MillraceError } from '../errors/millrace-error.js';
import { isSameKey } from '../rpm/package/key-ids.js';
import { treeArchitectures } from '../rpm/resolution/architectures.js';
import { findBuilds, findTag, lastEvent, rpmsOfBuilds, signaturesOf, taggedRpms, type KojiBuildRow, type KojiRpmRow } from './koji-calls.js';
import type { KojiHub } from './koji-hub.js';
import { readContents, type ModuleContent } from './module-contents.js';

const rpm = z.object({
  name: z.string(),
  epoch: z.int(),
  version: z.string(),
  release: z.string(),
  arch: z.string(),
  /** Bytes of the file as it was imported; 0: not known. */
  size: z.int(),
  /** Lower-case hex: MD5 of header and payload, whatever signatures are added. Empty: not known. */
  payloadHash: z.string(),
  /** Those of the wanted keys that Koji knows a signature of: lower-case hex, sorted. Koji has the last 8 digits of key ids. */
  sigkeys: z.array(z.string()),
  /** Of its build, below Koji's top directory. */
  directory: z.string(),
  /** Of a module: the architectures whose trees it is for, whatever else is wanted there. */
  trees: z.array(z.string()).optional(),
  /** The scratch build that it is of, whose directory has all files at one level. */
  task: z.int().optional(),
});

/** What a request has of a hub: the input of its compose, kept by digest because neither signatures nor deleted builds are frozen by an event. */
export const kojiListing = z.object({ version: z.literal(1), rpms: z.array(rpm) });
export type KojiListing = z.infer<typeof kojiListing>;
export type KojiRpm = z.infer<typeof rpm>;

export type KojiRequest = Pick<ComposeRequest, 'sourceType' | 'source' | 'builds' | 'scratchBuildTasks' | 'sigkeys' | 'kojiEvent' | 'flags' | 'arches'>;

/** What a request has of a hub besides its own names: the packages of modules. */
export interface KojiMoment {
  readonly event: number | null;
  readonly contents: readonly ModuleContent[];
}

const complete = 1;

/** The event that a request means: the one that it names, else the last one where it has a tag. Errors: `unresolvable` for one that is yet to come. */
export async function settleEvent(hub: KojiHub, request: KojiRequest, signal: AbortSignal): Promise<number | null> {
  if (request.sourceType !== 'tag' && request.sourceType !== 'module') return request.kojiEvent;
  const last = await lastEvent(hub, signal);
  if (request.kojiEvent === null) return last;
  if (request.kojiEvent > last) throw new MillraceError('unresolvable', `the Koji hub ${hub.url} has had no event ${request.kojiEvent} yet, its last one is ${last}: what it is going to be cannot be pinned`);
  return request.kojiEvent;
}

/** RPMs sorted by name, version, release and architecture. Errors: those of the hub; `unresolvable` for tags and builds that it does not have. */
export async function listKoji(hub: KojiHub, request: KojiRequest, { event, contents }: KojiMoment, signal: AbortSignal): Promise<KojiListing> {
  const arches = rpmArches(request);
  const asked = await readBuilds(hub, request.builds, signal);
  const own = (await rpmsOfBuilds(hub, asked.map(({ id }) => id), signal)).filter(({ arch }) => arches.includes(arch));
  const signed = request.sigkeys.length === 0 ? [] : await signaturesOf(hub, own.map(({ id }) => id), signal);
  const tagged = request.sourceType === 'tag' && event !== null ? await readTag(hub, request, { event, arches, signal }) : { rpms: [], builds: [] };
  const modular = event === null ? { rpms: [], builds: [], trees: new Map<number, readonly string[]>() } : await readContents(hub, contents, { event, arches, signatures: request.sigkeys.length > 0, signal });
  // A build that is asked for stands for its package, whatever the tag has of it.
  const replaced = new Set(asked.map((build) => build.package_name));
  const kept = new Map(tagged.builds.filter((build) => !replaced.has(build.package_name)).map((build) => [build.id, build]));
  const dropped = new Set(tagged.builds.filter((build) => replaced.has(build.package_name)).map(({ id }) => id));
  const rows = tagged.rpms.filter(({ build_id: build }) => !dropped.has(build));
  const builds = new Map([...kept, ...[...modular.builds, ...asked].map((build) => [build.id, build] as const)]);
  const keys = keysByRpm(request.sigkeys, [...rows, ...modular.rpms, ...signed.map(({ rpm_id: id, sigkey }) => ({ id, sigkey }))]);
  const distinct = new Map([...rows, ...modular.rpms, ...own].filter((row) => row.metadata_only !== true).map((row) => [row.id, row]));
  const rpms = [...distinct.values()].map((row) => {
    const trees = modular.trees.get(row.id);
    return { ...asRpm(hub, row, { build: builds.get(row.build_id), sigkeys: keys.get(row.id) ?? [] }), ...(trees === undefined ? {} : { trees: [...trees] }) };
  });
  return { version: 1, rpms: rpms.sort(byName) };
}

async function readTag(hub: KojiHub, request: KojiRequest, { event, arches, signal }: { readonly event: number; readonly arches: readonly string[]; readonly signal: AbortSignal }): Promise<Awaited<ReturnType<typeof taggedRpms>>> {
  const name = request.source[0] as string;
  // By its id: another tag may get the name meanwhile.
  const tag = await findTag(hub, name, event, signal);
  if (tag === undefined) throw new MillraceError('unresolvable', `the Koji hub ${hub.url} has no tag ${JSON.stringify(name)} at event ${event}`, { suggestion: 'Correct the name of the tag, or leave koji_event out.' });
  return taggedRpms(hub, tag, { event, inherit: !request.flags.includes('no_inheritance'), arches, signatures: request.sigkeys.length > 0, signal });
}

async function readBuilds(hub: KojiHub, nvrs: readonly string[], signal: AbortSignal): Promise<readonly KojiBuildRow[]> {
  const found = await findBuilds(hub, nvrs, signal);
  const missing = nvrs.filter((_, index) => found[index] === undefined);
  const unfinished = found.filter((build) => build !== undefined && build.state !== complete).map((build) => `${build?.nvr} (${['building', 'complete', 'deleted', 'failed', 'cancelled'][build?.state ?? -1] ?? 'in an unknown state'})`);
  const reasons = [...(missing.length === 0 ? [] : [`does not know ${missing.join(', ')}`]), ...(unfinished.length === 0 ? [] : [`has no complete build of ${unfinished.join(', ')}`])];
  if (reasons.length > 0) throw new MillraceError('unresolvable', `the Koji hub ${hub.url} ${reasons.join(' and ')}`, { suggestion: 'Name builds by name-version-release, without an epoch.' });
  return found.filter((build) => build !== undefined);
}

/** As rpm names them: of all trees, and of sources. */
export function rpmArches({ arches, flags }: KojiRequest): readonly string[] {
  const trees = arches.map(treeArchitectures);
  const secondary = flags.includes('use_only_compatible_arch') ? [] : trees.flatMap((tree) => tree.secondary);
  return [...new Set([...trees.flatMap(({ native }) => native), ...secondary, 'src', 'nosrc'])].sort();
}

/** An empty key says only that the hub knows the unsigned header. */
function keysByRpm(wanted: readonly string[], rows: readonly { readonly id: number; readonly sigkey?: string | null | undefined }[]): ReadonlyMap<number, readonly string[]> {
  const keys = new Map<number, Set<string>>();
  for (const { id, sigkey } of rows) if (sigkey && wanted.some((key) => isSameKey(key, sigkey))) keys.set(id, (keys.get(id) ?? new Set()).add(sigkey.toLowerCase()));
  return new Map([...keys].map(([id, set]) => [id, [...set].sort()]));
}

function asRpm(hub: KojiHub, row: KojiRpmRow, { build, sigkeys }: { readonly build: KojiBuildRow | undefined; readonly sigkeys: readonly string[] }): KojiRpm {
  if (build === undefined) throw new MillraceError('source-invalid', `the Koji hub ${hub.url} lists ${row.name}-${row.version}-${row.release}.${row.arch} of build ${row.build_id}, which it does not list`);
  const { package_name: name, version, release, volume_name: volume } = build;
  const top = volume === undefined || volume === null || volume === 'DEFAULT' ? '' : `vol/${volume}/`;
  return {
    name: row.name,
    epoch: row.epoch ?? 0,
    version: row.version,
    release: row.release,
    arch: row.arch,
    size: row.size ?? 0,
    payloadHash: row.payloadhash.toLowerCase(),
    sigkeys: [...sigkeys],
    directory: `${top}packages/${name}/${version}/${release}`,
  };
}

export function byName(one: KojiRpm, other: KojiRpm): number {
  const [left, right] = [one, other].map(({ name, version, release, arch, directory }) => [name, version, release, arch, directory].join('\n')) as [string, string];
  return left < right ? -1 : left > right ? 1 : 0;
}
