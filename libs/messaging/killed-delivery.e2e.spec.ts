import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { projectRoot } from '../embedded/project-root.js';
import { openMessageScene, registered, silent, until, type MessageScene, type SpecMessage } from './__fixtures__/message-scene.js';
import { createMessageDelivery } from './create-message-delivery.js';
import type { DeliverableMessage, MessageSink } from './message-sink.js';

let scene: MessageScene;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-messages-'));
  scene = await openMessageScene();
});
afterAll(async () => {
  await scene?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a worker that is killed between publishing a message and noting it', () => {
  it('has it published again, with the same id, and loses none', async () => {
    const received: DeliverableMessage[] = [];
    const sink: MessageSink = {
      name: 'shared',
      type: 'memory',
      from: 'now',
      batch: 10,
      publish: (messages) => {
        received.push(...messages);
        return Promise.resolve({ accepted: messages.length });
      },
      close: () => Promise.resolve(),
    };
    await createMessageDelivery({ database: scene.database, log: silent }).register(sink);
    await registered(scene.database, 1);
    for (const number of [1, 2, 3]) await scene.leave('compose:1', number);
    const file = path.join(folder, 'published');
    const worker = fork(path.join(projectRoot(), 'libs/messaging/__fixtures__/killed-delivery.mjs'), [path.join(projectRoot(), 'dist/libs'), scene.url, file], { stdio: 'inherit' });
    const [, signal] = (await once(worker, 'exit')) as [number | null, NodeJS.Signals | null];
    expect(signal).toBe('SIGKILL');
    const published = readFileSync(file, 'utf8').trim().split('\n');
    scene.deliver([sink]);
    await until(() => received.length === 3);
    expect(published).toEqual([received[0]?.messageId]);
    expect(received.map(({ body }) => (JSON.parse(body) as SpecMessage).compose.id)).toEqual([1, 2, 3]);
  });
});
