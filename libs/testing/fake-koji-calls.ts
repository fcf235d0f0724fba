import type { RpcStruct, RpcValue } from '../koji/rpc-value.js';
import { taskCalls } from './fake-koji-tasks.js';
import { KojiFault } from './koji-fault.js';
import type { FakeBuild, FakeKojiState, FakeRpm } from './fake-koji-state.js';

type Call = (state: FakeKojiState, positional: readonly RpcValue[], named: RpcStruct) => RpcValue;

const calls: Readonly<Record<string, Call>> = {
  getAPIVersion: () => 1,
  getKojiVersion: () => '1.35.3',
  getLastEvent: ({ event }) => ({ id: event, ts: 1795225690.120069 + event }),
  getTag(state, [info], { event = null }) {
    const tag = findTag(state, info, event);
    return tag === undefined ? null : { arches: 'x86_64', id: tag.id, locked: false, maven_include_all: false, maven_support: false, name: tag.name, perm: null, perm_id: null, extra: {}, ...(event === null ? {} : { query_event: event }) };
  },
  listTaggedRPMS: listTaggedRpms,
  listTagged,
  listArchives: (state, [id]) => (state.builds.find((build) => build.id === id)?.module?.archives ?? []).map(({ filename, size, md5 }, index) => ({
    ...{ btype: 'module', btype_id: 5, build_id: id as number, buildroot_id: 1, checksum: md5, checksum_type: 0, compression_type: null, extra: { typeinfo: { module: {} } }, filename, id: index + 1 },
    ...{ metadata_only: false, size, type_description: 'Text file', type_extensions: 'txt', type_id: 40, type_name: 'txt' },
  })),
  getBuild(state, [info]) {
    const build = state.builds.find(({ nvr, id }) => nvr === info || id === info);
    return build === undefined ? null : buildRow(build);
  },
  listBuildRPMs: (state, [id]) => (state.builds.find((build) => build.id === id)?.rpms ?? []).map((rpm) => ({ ...rpmRow(rpm, id as number), external_repo_id: 0, external_repo_name: 'INTERNAL', nvr: `${rpm.name}-${rpm.version}-${rpm.release}` })),
  queryRPMSigs: (state, _, { rpm_id: id }) => ['', ...(state.builds.flatMap(({ rpms }) => rpms).find((rpm) => rpm.id === id)?.sigkeys ?? [])].map((sigkey) => ({ rpm_id: id as number, sigkey, sighash: '8ed81e1a50efcc2f432e7050b43dc9e2' })),
};

/** Throws `KojiFault`. */
export function answerKojiCall(state: FakeKojiState, method: string, params: readonly RpcValue[]): RpcValue {
  const last = params.at(-1);
  const names = typeof last === 'object' && last !== null && '__starstar' in last ? last : undefined;
  const named = names ?? {};
  const positional = names === undefined ? params : params.slice(0, -1);
  if (Object.hasOwn(taskCalls, method)) return (taskCalls[method] as (typeof taskCalls)[string])(state.tasks, positional, named);
  const call = Object.hasOwn(calls, method) ? calls[method] : undefined;
  if (call === undefined) throw new KojiFault(1000, `Invalid method: ${method}`);
  return call(state, positional, named);
}

function findTag(state: FakeKojiState, info: RpcValue | undefined, event: RpcValue): FakeKojiState['tags'][number] | undefined {
  return state.tags.find(({ id, name, since }) => (id === info || name === info) && (typeof event !== 'number' || since <= event));
}

function listTaggedRpms(state: FakeKojiState, [info]: readonly RpcValue[], named: RpcStruct): RpcValue {
  const latest = tagged(state, info, named);
  const arches = named['arch'] as readonly string[] | undefined;
  const rpms = latest.flatMap(({ build }) => build.rpms.filter(({ arch }) => arches?.includes(arch) !== false).flatMap((rpm) => (named['rpmsigs'] === true ? ['', ...rpm.sigkeys].map((sigkey) => ({ ...rpmRow(rpm, build.id), sigkey })) : [rpmRow(rpm, build.id)])));
  return [rpms, latest.map((each) => taggedRow(state, each))];
}

function listTagged(state: FakeKojiState, [info]: readonly RpcValue[], named: RpcStruct): RpcValue {
  const ofType = tagged(state, info, named).filter(({ build }) => named['type'] !== 'module' || build.module !== undefined);
  return ofType.map(({ build: { module: _, ...build }, row }) => taggedRow(state, { build, row }));
}

interface Tagged {
  readonly row: FakeKojiState['taggings'][number];
  readonly build: FakeBuild;
}

function taggedRow(state: FakeKojiState, { build, row }: Tagged): RpcStruct {
  return { ...buildRow(build), tag_id: row.tag, tag_name: state.tags.find(({ id }) => id === row.tag)?.name ?? '', create_event: row.since };
}

/** A row is there at an event when it was made by then and not revoked: the event that revokes it does not show it any more. */
function tagged(state: FakeKojiState, info: RpcValue | undefined, named: RpcStruct): readonly Tagged[] {
  const at = typeof named['event'] === 'number' ? named['event'] : state.event;
  const tag = findTag(state, info, at);
  if (tag === undefined) throw new KojiFault(1000, `No such tagInfo: '${typeof info === 'number' || typeof info === 'string' ? info : 'of another type'}'`);
  const order = named['inherit'] === true ? inheritance(state, tag.id) : [tag.id];
  const found = order.flatMap((id) => {
    const rows = state.taggings.filter((row) => row.tag === id && row.since <= at && (row.until === null || at < row.until));
    return rows.sort((one, other) => other.since - one.since).map((row) => ({ row, build: state.builds.find((build) => build.id === row.build) as FakeBuild }));
  });
  const live = found.filter(({ build }) => build.state === 1);
  return named['latest'] === true ? live.filter(({ build }, index) => live.findIndex((other) => other.build.name === build.name) === index) : live;
}

/** Depth first, each tag once. */
function inheritance(state: FakeKojiState, id: number, seen = new Set<number>()): number[] {
  if (seen.has(id)) return [];
  seen.add(id);
  return [id, ...(state.tags.find((tag) => tag.id === id)?.parents ?? []).flatMap((parent) => inheritance(state, parent, seen))];
}

function buildRow({ id, name, version, release, epoch, nvr, state, volume, module }: FakeBuild): RpcStruct {
  const time = '2026-11-21 01:45:08.974998+00:00';
  return {
    ...{ build_id: id, id, name, package_name: name, package_id: id, nvr, version, release, epoch: epoch === 0 ? null : epoch, state, volume_id: volume === 'DEFAULT' ? 0 : 1, volume_name: volume },
    ...{ cg_id: null, cg_name: null, completion_time: time, completion_ts: 1795225508.974998, creation_event_id: 8, creation_time: time, draft: false, extra: module === undefined ? null : { typeinfo: { module: module.typeInfo } }, owner_id: 1, owner_name: 'kojiadmin', source: null, start_time: time, task_id: null },
  };
}

function rpmRow({ id, name, version, release, epoch, arch, size, payloadhash, buildtime }: FakeRpm, build: number): RpcStruct {
  return { arch, build_id: build, buildroot_id: null, buildtime, draft: false, epoch: epoch === 0 ? null : epoch, extra: null, id, metadata_only: false, name, payloadhash, release, size, version };
}
