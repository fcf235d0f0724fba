import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SupervisedProcess, type ProcessDefinition } from './supervised-process.js';

describe('the first start of a process', () => {
  let directory: string;
  let progress: string[];
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'millrace-supervised-'));
    progress = [];
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** A process that dies on its first `failures` starts and then says that it is ready. */
  async function process(failures: number, startAttempts?: number): Promise<SupervisedProcess> {
    const script = path.join(directory, 'child.mjs');
    await writeFile(
      script,
      `import { appendFileSync, readFileSync } from 'node:fs';
       appendFileSync('starts', 'x');
       if (readFileSync('starts').length <= ${failures}) { console.error('no port for me'); globalThis.process.exit(2); }
       globalThis.process.send({ type: 'ready' });
       globalThis.process.on('disconnect', () => globalThis.process.exit(0));`,
    );
    const definition: ProcessDefinition = {
      name: 'child',
      command: globalThis.process.execPath,
      args: [script],
      environment: {},
      cwd: directory,
      ready: 'message',
      readyDeadline: 20_000,
      logDirectory: path.join(directory, 'logs'),
      ...(startAttempts === undefined ? {} : { startAttempts }),
    };
    return new SupervisedProcess(definition, { onPid: () => undefined, onProgress: (message) => progress.push(message), onGivenUp: () => undefined });
  }

  it('is tried as often as its definition says, and each failure is told', async () => {
    const supervised = await process(2, 3);
    await supervised.start();
    expect(supervised.pid).toBeGreaterThan(0);
    await supervised.stop(5_000);
    expect(await readFile(path.join(directory, 'starts'), 'utf8')).toBe('xxx');
    expect(progress.filter((line) => line.includes('no port for me') && line.endsWith('trying again'))).toHaveLength(2);
  });

  it('is tried once when nothing is said, and fails with the words of the process', async () => {
    await expect((await process(1)).start()).rejects.toThrow('no port for me');
    expect(await readFile(path.join(directory, 'starts'), 'utf8')).toBe('x');
  });
});
