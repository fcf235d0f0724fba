import { randomBytes } from 'node:crypto';
import { openContentStore } from '../content-store.js';

/** Run in a process of its own, where files may not grow: adds 120,000 bytes and prints the error. */
const store = await openContentStore(process.argv[2] ?? '');
async function* chunks(): AsyncGenerator<Buffer> {
  yield randomBytes(60_000);
  yield randomBytes(60_000);
}
const outcome = await store.add(chunks()).catch((error: { code: string; message: string }) => ({ code: error.code, message: error.message }));
console.log(JSON.stringify(outcome));
