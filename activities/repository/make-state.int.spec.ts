import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { engineScene, options } from '../../libs/repository-engine/__fixtures__/engine-scene.js';
import { lineFormat, readAsClient } from '../../libs/repository-engine/__fixtures__/line-format.js';
import type { PackageFormat } from '../../libs/repository-formats/package-format.js';
import type { StepProblem } from '../../workflows/repository/repository-activities.js';
import { abandonState } from './make-state.js';

const scene = engineScene();

/** As a licence that leaves no room for others: the index says that it cannot be, and not because of which package. */
const narrow = (error: () => Error): PackageFormat => ({
  ...lineFormat,
  async writeIndex(job) {
    for await (const { key } of job.packages()) if (key.startsWith('bad')) throw error();
    return lineFormat.writeIndex(job);
  },
});

const full = (): Error => new MillraceError('source-invalid', 'the index has no room for that');

/** As the workflow takes them: halves of what has failed, until one is alone. */
async function publishAll(name: string, error: () => Error): Promise<string[]> {
  const format = narrow(error);
  const engine = scene.engine(scene.placeOf, { formats: { haiku: format, rpm: format, deb: format } });
  const [commands, reads] = [scene.commands(), scene.reads()];
  for (const change of await reads.waiting(name, 100)) await engine.inspect(change, options);
  const attempts: string[] = [];
  for (let most = 100; ; ) {
    const planned = await commands.plan(name, { changes: most });
    if (planned === undefined) return attempts;
    try {
      await engine.place(planned, options);
      const index = await engine.prepareIndex(planned, options);
      await engine.switchIndex(planned, index, options);
      await commands.published(planned, index);
      attempts.push(`${planned.changes.length} published`);
      most = 100;
    } catch (failed) {
      const { code, message, details = [] } = failed as MillraceError;
      const problem: StepProblem = { code, message, details };
      attempts.push(`${planned.changes.length} ${String(await abandonState(planned, problem, { commands, engine, reads, options }))}`);
      most = Math.ceil(planned.changes.length / 2);
    }
  }
}

describe('a state whose index cannot be written', () => {
  it.each([
    ['it refuses', full, { code: 'source-invalid', message: 'the index has no room for that' }],
    ['Millrace makes a mistake', () => new TypeError('undefined is no attribute'), { code: 'internal', message: expect.stringMatching(/^the index of state \d+ of \S+ cannot be written: undefined is no attribute$/) }],
  ])('because of one change, for which %s, has only that one fail', async (_why, error, problem) => {
    const name = await scene.repository();
    const [good, bad, last] = [await scene.publishing(name, ['a', '1']), await scene.publishing(name, ['bad', '1'], ['b', '1']), await scene.publishing(name, ['c', '1'])];
    expect(await publishAll(name, error)).toEqual(['3 divide', '2 divide', '1 published', '2 divide', '1 true', '1 published']);
    expect(await scene.reads().change(bad)).toMatchObject({ phase: 'failed', problem });
    for (const id of [good, last]) expect(await scene.reads().change(id)).toMatchObject({ phase: 'done' });
    expect((await readAsClient(scene.folderOf(name))).keys).toEqual(['a-1.rpm', 'c-1.rpm']);
  });

  it('because of a package that the problem names has the change fail that brings it, and the others are planned together', async () => {
    const name = await scene.repository();
    const [good, bad, last] = [await scene.publishing(name, ['a', '1']), await scene.publishing(name, ['bad', '1'], ['b', '1']), await scene.publishing(name, ['c', '1'])];
    expect(await publishAll(name, () => new MillraceError('package-invalid', 'no index has a place for it', { details: [{ key: 'bad-1.rpm' }] }))).toEqual(['3 true', '2 published']);
    expect((await scene.reads().changesOf([good, bad, last, randomUUID(), 'no id'])).map(({ id, phase }) => [id, phase]).sort()).toEqual([[good, 'done'], [bad, 'failed'], [last, 'done']].sort());
  });

  it('because of its keys has all of its changes fail at once: fewer of them would do no better', async () => {
    const name = await scene.repository();
    const ids = [await scene.publishing(name, ['bad', '1']), await scene.publishing(name, ['c', '1'])];
    expect(await publishAll(name, () => new MillraceError('key-not-found', 'there is no such key'))).toEqual(['2 true']);
    for (const id of ids) expect(await scene.reads().change(id)).toMatchObject({ phase: 'failed', problem: { code: 'key-not-found' } });
  });
});
