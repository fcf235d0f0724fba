import { createReadStream } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { KojiHub } from './koji-hub.js';
import { readXmlRpc } from './read-xml-rpc.js';
import type { RpcValue } from './rpc-value.js';
import { descendentsOf, findTasks, outputsOf } from './task-calls.js';

const { signal } = new AbortController();

/** Answers every call alike. */
function hubThatAnswers(value: RpcValue): KojiHub {
  return { url: 'http://koji.example/kojihub', call: () => Promise.resolve(value), callAll: (calls) => Promise.resolve(calls.map(() => value)) };
}

async function recorded(name: string): Promise<KojiHub> {
  const message = await readXmlRpc(createReadStream(new URL(`./__fixtures__/wire/${name}.response.xml`, import.meta.url)));
  if (message.kind !== 'answer') throw new Error(`${name} is no answer`);
  return hubThatAnswers(message.value);
}

describe('tasks of Koji', () => {
  it('are read as a real hub was recorded with them', async () => {
    expect(await findTasks(await recorded('getTaskInfo-request'), [2], signal)).toMatchObject([{ id: 2, method: 'build', state: 2, parent: null, request: [expect.any(String), 'sp1', { scratch: true }] }]);
    expect(await findTasks(await recorded('getTaskInfo-unknown'), [999], signal)).toEqual([undefined]);
    expect(await descendentsOf(await recorded('getTaskDescendents'), [2], signal)).toMatchObject([[{ id: 3, method: 'buildArch', state: 2, parent: 2 }]]);
    expect(await outputsOf(await recorded('getTaskResult-buildArch'), [3], signal)).toEqual([['tasks/3/3/sample-tools-1.10-1.sp1.src.rpm', 'tasks/3/3/sample-tools-1.10-1.sp1.noarch.rpm']]);
  });

  it.each(['tasks/3/3/../../../etc/passwd', '/etc/passwd', 'tasks/3/3/.hidden', 'tasks/3/3/a/b.rpm', 'tasks/x/3/a.rpm', 'tasks/3/3/a\n.rpm', `tasks/3/3/${'x'.repeat(300)}`])('have no file at %j', async (place) => {
    await expect(outputsOf(hubThatAnswers({ rpms: [place], srpms: [] }), [3], signal)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('is no path of a file of a task') });
  });

  it.each<[string, RpcValue]>([
    ['a list', []],
    ['no result', null],
    ['names that are numbers', { rpms: [1], srpms: [] }],
  ])('have no result that is %s', async (_name, value) => {
    await expect(outputsOf(hubThatAnswers(value), [3], signal)).rejects.toMatchObject({ code: 'source-invalid' });
  });
});
