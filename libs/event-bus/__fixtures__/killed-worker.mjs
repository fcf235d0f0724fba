// A worker that dies after a message is durable, before it is acknowledged. Arguments: the built library, the database, the broker, the queue, the protocol.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [library, databaseUrl, url, queue, protocol] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(library, name)).href);
const { openDatabase } = await load('database/open-database.js');
const { createIncomingMessages } = await load('rule-record/incoming-messages.js');
const { createMessageIntake } = await load('event-bus/message-intake.js');
const { createAmqp091Consumer } = await load('event-bus/consumers/amqp-0-9-1-consumer.js');
const { createAmqp10Consumer } = await load('event-bus/consumers/amqp-1-0-consumer.js');
const intake = createMessageIntake({ messages: createIncomingMessages(await openDatabase(databaseUrl)), patience: 0 });
const consumer =
  protocol === 'amqp-1.0'
    ? createAmqp10Consumer({ name: queue, type: protocol, url, sasl: 'plain', username: 'guest', password: { env: 'PASSWORD' }, address: `/amq/queue/${queue}`, prefetch: 10 }, { PASSWORD: 'guest' })
    : createAmqp091Consumer({ name: queue, type: protocol, url, sasl: 'plain', heartbeat: 30, queue, declare: false, 'queue-type': 'classic', bindings: [], prefetch: 10 }, {});
let taken = 0;
await consumer.consume({
  signal: new AbortController().signal,
  onConsuming() {},
  async take(raw) {
    await intake.take(raw);
    taken += 1;
    if (taken === 3) process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  },
});
