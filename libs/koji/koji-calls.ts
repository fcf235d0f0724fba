import { z } from 'zod';
import { MillraceError } from '../errors/millrace-error.js';
import type { KojiHub } from './koji-hub.js';
import { withNames, type RpcValue } from './rpc-value.js';

/** One name in a path: no separator, nothing that leads elsewhere. */
export const segment = z.string().regex(/^(?!\.{1,2}$)[!-.0-~]{1,200}$/, 'is no plain name');
export const count = z.int().min(0);

const eventRow = z.object({ id: count });
const tagRow = z.object({ id: count, name: z.string() }).nullable();
const rpmRow = z.object({
  id: count,
  build_id: count,
  name: segment,
  epoch: count.nullable(),
  version: segment,
  release: segment,
  arch: segment,
  size: count.nullable(),
  payloadhash: z.string().regex(/^[0-9A-Fa-f]{0,128}$/),
  metadata_only: z.boolean().nullish(),
  sigkey: z.string().regex(/^[0-9A-Fa-f]{0,40}$/).nullish(),
});
const buildRow = z.object({
  id: count,
  package_name: segment,
  version: segment,
  release: segment,
  nvr: z.string(),
  state: z.int(),
  volume_name: segment.nullish(),
});
const signatureRow = z.object({ rpm_id: count, sigkey: z.string().regex(/^[0-9A-Fa-f]{0,40}$/) });

export type KojiRpmRow = z.infer<typeof rpmRow>;
export type KojiBuildRow = z.infer<typeof buildRow>;

export interface TaggedOptions {
  readonly event: number;
  readonly inherit: boolean;
  /** Of each package the build that was tagged last, which is what is meant by a tag; else all. */
  readonly latest?: boolean;
  /** Of RPMs, as rpm names them. */
  readonly arches: readonly string[];
  /** One row for each signature of an RPM. */
  readonly signatures: boolean;
  readonly signal: AbortSignal;
}

/** Errors of all: those of `KojiHub`; `source-invalid` where an answer has not the shape that Koji's has. */
export async function lastEvent(hub: KojiHub, signal: AbortSignal): Promise<number> {
  return checked(hub, 'getLastEvent', eventRow, await hub.call('getLastEvent', [], signal)).id;
}

/** The tag as it was at the event; undefined: there was none. */
export async function findTag(hub: KojiHub, tag: string, event: number, signal: AbortSignal): Promise<number | undefined> {
  return checked(hub, 'getTag', tagRow, await hub.call('getTag', withNames([tag], { event }), signal))?.id;
}

/** Builds of a tag and their RPMs, as the hub resolves inheritance, blocks and package lists. */
export async function taggedRpms(hub: KojiHub, tag: number, { event, inherit, latest = true, arches, signatures, signal }: TaggedOptions): Promise<{ readonly rpms: readonly KojiRpmRow[]; readonly builds: readonly KojiBuildRow[] }> {
  const answer = await hub.call('listTaggedRPMS', withNames([tag], { event, inherit, latest, arch: arches, ...(signatures ? { rpmsigs: true } : {}) }), signal);
  const [rpms, builds] = checked(hub, 'listTaggedRPMS', z.tuple([z.array(rpmRow), z.array(buildRow)]), answer);
  return { rpms, builds };
}

/** In the order of the names; undefined: the hub knows none. */
export async function findBuilds(hub: KojiHub, nvrs: readonly string[], signal: AbortSignal): Promise<readonly (KojiBuildRow | undefined)[]> {
  const answers = await hub.callAll(nvrs.map((nvr) => ({ method: 'getBuild', params: [nvr] })), signal);
  return answers.map((answer) => checked(hub, 'getBuild', buildRow.nullable(), answer) ?? undefined);
}

export async function rpmsOfBuilds(hub: KojiHub, builds: readonly number[], signal: AbortSignal): Promise<readonly KojiRpmRow[]> {
  const answers = await hub.callAll(builds.map((id) => ({ method: 'listBuildRPMs', params: [id] })), signal);
  return answers.flatMap((answer) => checked(hub, 'listBuildRPMs', z.array(rpmRow), answer));
}

/** Of RPMs by id: rows of key ids, lower-case hex. */
export async function signaturesOf(hub: KojiHub, rpms: readonly number[], signal: AbortSignal): Promise<readonly z.infer<typeof signatureRow>[]> {
  const answers = await hub.callAll(rpms.map((id) => ({ method: 'queryRPMSigs', params: withNames([], { rpm_id: id }) })), signal);
  return answers.flatMap((answer) => checked(hub, 'queryRPMSigs', z.array(signatureRow), answer));
}

export function checked<T>(hub: KojiHub, method: string, schema: z.ZodType<T>, answer: RpcValue): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues[0];
  throw new MillraceError('source-invalid', `the Koji hub ${hub.url} answers ${method} with something else than Koji does: ${problem?.path.join('.').slice(0, 100) || 'the answer'}: ${problem?.message.slice(0, 200)}`);
}
