import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { breakingStore } from '../repository-engine/__fixtures__/breaking-store.js';
import { buildDeb } from '../repository-formats/deb/__fixtures__/build-deb.js';
import { by, chunks, livingRepositories } from './__fixtures__/living-repositories.js';
import { repairRepository, type RepairResult } from './repair-repository.js';

const living = livingRepositories();
const signal = new AbortController().signal;
const pool = (name: string): string => `pool/main/${name[0]}/${name}/${name}_1.0-1_amd64.deb`;

/** A repair in whose way something comes when it has looked, and is about to mend. */
function repairing(name: string, meanwhile: () => Promise<void>): Promise<RepairResult> {
  const parts = living.parts();
  let looked = false;
  const { store } = breakingStore(living.storeOf(name), {
    before: async () => {
      if (!looked) return;
      looked = false;
      await meanwhile();
    },
  });
  let once = false;
  const onProgress = ({ step }: { readonly step: string }): void => {
    looked = step === 'repair' && !once;
    once ||= looked;
  };
  return repairRepository({ ...parts, stores: { open: () => store } }, name, { by, dryRun: false, force: true, depth: 'deep', runId: randomUUID(), signal, onProgress });
}

describe('a repair that is overtaken', () => {
  it('puts no index file over one that a publication has switched to and not recorded yet', async () => {
    await living.create('overtaken', 'deb');
    await living.publishDebs('overtaken', [{ name: 'bash' }]);
    const [release] = (await living.parts().reads.state('overtaken', 1)).index.filter(({ path }) => path.endsWith('/InRelease'));
    const file = living.file('overtaken', release!.path);
    rmSync(file);
    writeFileSync(file, 'damaged');
    const { commands, reads, engine } = living.parts();
    let recorded = async (): Promise<unknown> => Promise.reject(new Error('nothing was switched'));
    let seen = '';
    await repairing('overtaken', async () => {
      const { id } = await engine.receive('overtaken', chunks(buildDeb({ name: 'nano' })), { id: randomUUID(), fileName: 'nano', by });
      await commands.requestChange({ id: randomUUID(), repository: 'overtaken', request: { kind: 'publish', uploads: [id], contents: [], origin: {}, component: 'main' }, by, force: false });
      for (const change of await reads.waiting('overtaken', 10)) await engine.inspect(change, { signal });
      const planned = (await commands.plan('overtaken', { changes: 10 }))!;
      await engine.place(planned, { signal });
      const index = await engine.prepareIndex(planned, { signal });
      // The repair holds the lock: an engine that has it not by the lock stands for one that had it just before.
      await living.parts({ hold: (_of, work) => work({ signal, confirm: () => Promise.resolve() }) }).engine.switchIndex(planned, index, { signal });
      seen = readFileSync(file, 'utf8');
      recorded = () => commands.published(planned, index);
    });
    await recorded();
    expect(readFileSync(file, 'utf8')).toBe(seen);
    expect((await living.maintenance().check('overtaken', { signal })).findings).toEqual([]);
  });

  it('sets nothing aside that another repair has mended', async () => {
    await living.create('mended', 'deb');
    await living.publishDebs('mended', [{ name: 'bash' }, { name: 'nano' }]);
    const file = living.file('mended', pool('bash'));
    const good = readFileSync(file);
    rmSync(file);
    writeFileSync(file, Buffer.from(good).fill(0, 100, 110));
    const { changes } = await repairing('mended', async () => {
      rmSync(file);
      writeFileSync(file, good);
      return Promise.resolve();
    });
    expect(changes).toEqual([]);
    expect(readFileSync(file).equals(good)).toBe(true);
  });
});
