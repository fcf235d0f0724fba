import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { BusConsumer, BusConsumption } from './bus-consumer.js';
import { consumeBuses } from './consume-buses.js';

type Attempt = (consumption: BusConsumption) => Promise<void>;

/** A bus each of whose connections goes as one of these, the last for all that follow. */
function busOf(...attempts: readonly Attempt[]): BusConsumer & { readonly connections: () => number } {
  let connections = 0;
  return {
    name: 'one',
    type: 'memory',
    connections: () => connections,
    consume: async (consumption) => {
      connections += 1;
      await (attempts[connections - 1] ?? attempts.at(-1))?.(consumption);
    },
  };
}

const untilAborted: Attempt = ({ signal, onConsuming }) => {
  onConsuming();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
};
const refused: Attempt = () => Promise.reject(new Error('refused'));

function run(consumer: BusConsumer, record: () => Promise<unknown> = () => Promise.resolve()) {
  const abort = new AbortController();
  const log: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => void log.push(line) });
  const ended = consumeBuses({ consumers: [consumer], intake: { take: () => Promise.resolve('accepted') }, record, log: logger, signal: abort.signal, firstPause: 1 });
  return { log: () => log.map((line) => JSON.parse(line) as { msg: string; reason?: string; bus: string }), stop: () => (abort.abort(), ended) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('consuming buses', () => {
  it('connects to no broker while the record is away', async () => {
    const bus = busOf(untilAborted);
    let asked = 0;
    let away = true;
    const running = run(bus, () => {
      asked += 1;
      return away ? Promise.reject(new Error('PostgreSQL cannot be reached')) : Promise.resolve();
    });
    await until(() => asked > 3);
    expect(bus.connections()).toBe(0);
    away = false;
    await until(() => bus.connections() === 1);
    await running.stop();
  });

  it('tries again until it works, and says the trouble once, and when it is over', async () => {
    const bus = busOf(refused, refused, refused, () => Promise.reject(new Error('another')), untilAborted);
    const running = run(bus);
    await until(() => running.log().some(({ msg }) => msg === 'taking messages again'));
    await running.stop();
    expect(running.log().map(({ bus: name, reason, msg }) => [name, reason ?? msg])).toEqual([['one', 'refused'], ['one', 'another'], ['one', 'taking messages again']]);
    expect(bus.connections()).toBe(5);
  });

  it('ends when it is told to, connected or between two attempts', async () => {
    for (const bus of [busOf(untilAborted), busOf(refused)]) {
      const running = run(bus);
      await until(() => bus.connections() > 0);
      await running.stop();
    }
  });
});
