import { text } from 'node:stream/consumers';
import { openDirectoryStore } from '../directory/open-directory-store.js';

/** Run in a process of its own: `<root> count <times>` counts up an object; `<root> write <bytes>` puts so many and prints the outcome; `<root> endless` writes until it is killed. */
const [root = '', what = '', amount = '0'] = process.argv.slice(2);
const store = openDirectoryStore(root);

async function countUp(): Promise<void> {
  for (;;) {
    const body = await store.get('counter');
    const next = String(Number(await text(body.content)) + 1);
    const outcome = await store.put('counter', Buffer.from(next), { condition: { etag: body.etag } }).catch((error: { code?: string }) => error.code);
    if (outcome !== 'storage-conflict') return;
  }
}

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(60_000);
}

if (what === 'count') for (let time = 0; time < Number(amount); time += 1) await countUp();
if (what === 'write') console.log(JSON.stringify(await store.put('written', Buffer.alloc(Number(amount))).catch((error: { code: string; message: string }) => ({ code: error.code, message: error.message }))));
if (what === 'endless') await store.put('endless', { stream: endless() });
store.close();
