import type { RpcStruct, RpcValue } from '../koji/rpc-value.js';
import { KojiFault } from './koji-fault.js';

/** A task of the fake hub. */
export interface FakeTask {
  readonly id: number;
  readonly parent: number | null;
  readonly method: string;
  /** 0 free, 1 open, 2 closed, 3 cancelled, 4 assigned, 5 failed. */
  readonly state: number;
  readonly arch: string;
  readonly request: readonly RpcValue[];
  readonly result: RpcValue;
}

type TaskCall = (tasks: readonly FakeTask[], positional: readonly RpcValue[], named: RpcStruct) => RpcValue;

/** In the shapes of the recordings 267 to 292. */
export const taskCalls: Readonly<Record<string, TaskCall>> = {
  getTaskInfo: (tasks, [id], { request }) => {
    const task = findTask(tasks, id);
    return task === undefined ? null : { ...taskRow(task), ...(request === true ? { request: task.request } : {}) };
  },
  getTaskChildren: (tasks, [id]) => tasks.filter(({ parent }) => parent === id).map(taskRow),
  getTaskDescendents(tasks, [id]) {
    const below = (of: number): [string, RpcValue][] => {
      const children = tasks.filter(({ parent }) => parent === of);
      return [[String(of), children.map(taskRow)], ...children.flatMap((child) => below(child.id))];
    };
    return Object.fromEntries(below(id as number));
  },
  getTaskResult(tasks, [id]) {
    const task = findTask(tasks, id);
    if (task === undefined) throw new KojiFault(1000, 'No such task');
    if (task.state === 5) throw new KojiFault(1005, `error building package (arch ${task.arch}), mock exited with status 1; see build.log or root.log for more information`);
    if (task.state === 3) throw new KojiFault(1000, `Task ${task.id} is canceled`);
    if (task.state !== 2) throw new KojiFault(1000, `Task ${task.id} is not finished`);
    return task.result;
  },
};

function findTask(tasks: readonly FakeTask[], id: RpcValue | undefined): FakeTask | undefined {
  return tasks.find((task) => task.id === id);
}

function taskRow({ id, parent, method, state, arch }: FakeTask): RpcStruct {
  const time = '2026-11-21 02:26:31.359287+00:00';
  return {
    ...{ arch, awaited: null, channel_id: 1, host_id: 1, id, label: parent === null ? null : arch, method, owner: 1, parent, priority: 20, state, waiting: null, weight: 1 },
    ...{ completion_time: time, completion_ts: 1795227991.359287, create_time: time, create_ts: 1795227990.791538, start_time: time, start_ts: 1795227990.844935 },
  };
}
