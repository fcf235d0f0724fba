import os from 'node:os';

const mebibyte = 1024 * 1024;
const least = 128;
const most = 512;

/**
 * PostgreSQL's own buffers: a sixteenth of the memory of the machine or container, 128 to 512 MB. A million blobs of the artifact cache are 240 MB of table and index; what is not in the buffers
 * is fetched from the operating system page by page, and checked.
 */
export function sharedBuffers(memory: number = memoryOfProcess()): string {
  return `${Math.max(least, Math.min(most, Math.floor(memory / 16 / mebibyte)))}MB`;
}

function memoryOfProcess(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
}
