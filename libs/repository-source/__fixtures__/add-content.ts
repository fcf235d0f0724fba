import { randomBytes } from 'node:crypto';
import { openContentStore } from '../content-store.js';

/** Run in a process of its own: `<root> <chunks>` adds so many chunks of 60,000 bytes and prints the outcome. */
const [root = '', count = '2'] = process.argv.slice(2);
const store = await openContentStore(root);

async function* chunks(): AsyncGenerator<Buffer> {
  for (let index = 0; index < Number(count); index += 1) yield randomBytes(60_000);
}

const outcome = await store.add(chunks()).catch((error: { code: string; message: string }) => ({ code: error.code, message: error.message }));
console.log(JSON.stringify(outcome));
