import { z } from 'zod';
import { checked, count, segment } from './koji-calls.js';
import type { KojiHub } from './koji-hub.js';
import { withNames } from './rpc-value.js';

const taggedRow = z.object({ id: count, package_name: segment, version: segment, release: segment, tag_id: count });
const text = z.union([z.string(), z.int()]).transform(String);
const typeInfo = z.object({ content_koji_tag: segment, modulemd_str: z.string(), name: text, stream: text, version: text, context: text });
const buildRow = z.object({
  id: count,
  package_name: segment,
  version: segment,
  release: segment,
  state: z.int(),
  volume_name: segment.nullish(),
  extra: z.object({ typeinfo: z.object({ module: typeInfo.nullish() }).nullish() }).nullish(),
});
const archiveRow = z.object({ filename: segment, checksum: z.string().regex(/^[0-9A-Fa-f]{0,128}$/), checksum_type: z.int(), btype: z.string() });

export type TaggedModuleRow = z.infer<typeof taggedRow>;
export type ModuleBuildRow = z.infer<typeof buildRow>;
export type ModuleTypeInfo = z.infer<typeof typeInfo>;
export type ModuleArchiveRow = z.infer<typeof archiveRow>;

/** All builds of modules in a tag and in what it inherits from, nearest tag first. Errors of all: those of `koji-calls`. */
export async function taggedModules(hub: KojiHub, tag: number, event: number, signal: AbortSignal): Promise<readonly TaggedModuleRow[]> {
  return checked(hub, 'listTagged', z.array(taggedRow), await hub.call('listTagged', withNames([tag], { event, inherit: true, type: 'module' }), signal));
}

/** By name-version-release or id, in the order asked; undefined: there is no such build. */
export async function findModuleBuilds(hub: KojiHub, builds: readonly (string | number)[], signal: AbortSignal): Promise<readonly (ModuleBuildRow | undefined)[]> {
  const answers = await hub.callAll(builds.map((build) => ({ method: 'getBuild', params: [build] })), signal);
  return answers.map((answer) => checked(hub, 'getBuild', buildRow.nullable(), answer) ?? undefined);
}

/** The files of each build that are of modules. */
export async function moduleArchives(hub: KojiHub, builds: readonly number[], signal: AbortSignal): Promise<readonly (readonly ModuleArchiveRow[])[]> {
  const answers = await hub.callAll(builds.map((id) => ({ method: 'listArchives', params: [id] })), signal);
  return answers.map((answer) => checked(hub, 'listArchives', z.array(archiveRow), answer).filter(({ btype }) => btype === 'module'));
}
