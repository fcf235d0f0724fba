import { z } from 'zod';
import { checked, count } from './koji-calls.js';
import type { KojiHub } from './koji-hub.js';
import { withNames } from './rpc-value.js';

const taskRow = z.object({ id: count, method: z.string().max(200), state: z.int(), parent: count.nullish() });
/** Of a build: source, target, options. Other methods have whatever they have. */
const askedTaskRow = taskRow.extend({ request: z.array(z.unknown()).nullish() }).nullable();
const descendents = z.record(z.string(), z.array(taskRow));
/** Below `work/`: `tasks/<id % 10000>/<id>/<file>`. */
const outputPath = z.string().regex(/^tasks\/[0-9]{1,4}\/[0-9]{1,15}\/(?!\.)[!-.0-~]{1,250}$/, 'is no path of a file of a task');
const buildResult = z.object({ rpms: z.array(outputPath), srpms: z.array(outputPath) });

export type KojiTask = z.infer<typeof taskRow>;
export type AskedTask = NonNullable<z.infer<typeof askedTaskRow>>;

/** In the order of the ids; undefined: the hub knows none. Errors of all: those of `KojiHub`; `source-invalid` where an answer has not the shape that Koji's has. */
export async function findTasks(hub: KojiHub, ids: readonly number[], signal: AbortSignal): Promise<readonly (AskedTask | undefined)[]> {
  const answers = await hub.callAll(ids.map((id) => ({ method: 'getTaskInfo', params: withNames([id], { request: true }) })), signal);
  return answers.map((answer) => checked(hub, 'getTaskInfo', askedTaskRow, answer) ?? undefined);
}

/** Of each task all that came of it, at whatever depth, by id. */
export async function descendentsOf(hub: KojiHub, ids: readonly number[], signal: AbortSignal): Promise<readonly (readonly KojiTask[])[]> {
  const answers = await hub.callAll(ids.map((id) => ({ method: 'getTaskDescendents', params: [id] })), signal);
  return answers.map((answer) => Object.values(checked(hub, 'getTaskDescendents', descendents, answer)).flat().sort((one, other) => one.id - other.id));
}

/** Of tasks that build for one architecture: the files of packages. */
export async function outputsOf(hub: KojiHub, ids: readonly number[], signal: AbortSignal): Promise<readonly (readonly string[])[]> {
  const answers = await hub.callAll(ids.map((id) => ({ method: 'getTaskResult', params: [id] })), signal);
  return answers.map((answer) => {
    const { rpms, srpms } = checked(hub, 'getTaskResult', buildResult, answer);
    return [...srpms, ...rpms];
  });
}
