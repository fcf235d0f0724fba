import { expect, it } from '@jest/globals';
import { createPlaces } from './places.js';

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
