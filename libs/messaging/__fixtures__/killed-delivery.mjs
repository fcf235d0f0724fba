// A worker that dies after its sink has taken a message, before that is noted. Arguments: the built library, the database, a file for the ids.
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [library, url, file] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(library, name)).href);
const { openDatabase } = await load('database/open-database.js');
const { createMessageDelivery } = await load('messaging/create-message-delivery.js');
const log = { warn() {}, info() {}, error() {} };
const sink = {
  name: 'shared',
  batch: 10,
  publish([message]) {
    appendFileSync(file, `${message.messageId}\n`);
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  },
};
await createMessageDelivery({ database: await openDatabase(url), log, lease: 1 }).deliver(sink);
