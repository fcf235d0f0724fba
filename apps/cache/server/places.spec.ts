import { expect, it } from '@jest/globals';
import { createPlaces, createSharedPlaces } from './places.js';

const signal = new AbortController().signal;

it('gives so many places at a time, and the next one to whoever has waited longest', async () => {
  const places = createPlaces(1);
  const order: string[] = [];
  const first = await places.take(signal);
  const second = places.take(signal).then((release) => (order.push('second'), release));
  const third = places.take(signal).then((release) => (order.push('third'), release));
  first();
  first();
  (await second)();
  (await third)();
  expect(order).toEqual(['second', 'third']);
  (await places.take(signal))();
});

it('lets those go who wait for nothing any more, without a loss of their place', async () => {
  const places = createPlaces(1);
  const first = await places.take(signal);
  const controller = new AbortController();
  const leaving = places.take(controller.signal);
  const staying = places.take(signal);
  controller.abort(new Error('gone'));
  await expect(leaving).rejects.toThrow('gone');
  first();
  (await staying)();
  await expect(places.take(controller.signal)).rejects.toThrow('gone');
});

it('gives one owner no more than half, so that another has a place at once', async () => {
  const shared = createSharedPlaces(4);
  const greedy = [await shared.of('greedy').take(signal), await shared.of('greedy').take(signal)];
  let came = false;
  const waiting = shared.of('greedy').take(signal).then((release) => ((came = true), release));
  const others = await Promise.all([shared.of('modest').take(signal), shared.of('other').take(signal)]);
  expect(came).toBe(false);
  const gone = new AbortController();
  const leaving = shared.of('late').take(gone.signal);
  gone.abort(new Error('gone'));
  await expect(leaving).rejects.toThrow('gone');
  greedy[0]?.();
  greedy[0]?.();
  (await waiting)();
  for (const release of [...others, ...greedy]) release();
  const again = await Promise.all(['a', 'a', 'b', 'b'].map(async (owner) => shared.of(owner).take(signal)));
  expect(again).toHaveLength(4);
});
