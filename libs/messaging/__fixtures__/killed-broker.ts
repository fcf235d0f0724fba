import { expect } from '@jest/globals';
import type { MessageSink } from '../message-sink.js';
import { numbersByStream, registered, until, type MessageScene, type SpecMessage } from './message-scene.js';

export interface KilledBrokerScenario {
  readonly scene: MessageScene;
  readonly sink: MessageSink;
  readonly broker: { kill(): Promise<void>; restart(): Promise<void> };
  readonly streams: readonly string[];
  /** Messages of each stream. */
  readonly each: number;
  /** All that a receiver has got so far; first called when the broker runs again. */
  readonly received: () => Promise<readonly SpecMessage[]> | readonly SpecMessage[];
}

/** Leaves messages while the broker is killed and started again; expects each stream whole and in its order. */
export async function expectAllOverKilledBroker({ scene, sink, broker, streams, each, received }: KilledBrokerScenario): Promise<void> {
  const stop = scene.deliver([sink], { firstPause: 0.1 });
  await registered(scene.database, 1);
  const numbers = Array.from({ length: each }, (_, index) => index + 1);
  let left = 0;
  const leaving = (async () => {
    for (const number of numbers) {
      await Promise.all(streams.map((stream) => scene.leave(stream, number)));
      left = number;
    }
  })();
  await until(() => left > each / 5);
  await broker.kill();
  await leaving;
  await broker.restart();
  let arrived: Record<string, number[]> = {};
  await until(async () => {
    arrived = numbersByStream(await received());
    return Object.values(arrived).flat().length === streams.length * each;
  }, 60_000);
  await stop();
  expect(arrived).toEqual(Object.fromEntries(streams.map((stream) => [stream, numbers])));
}
