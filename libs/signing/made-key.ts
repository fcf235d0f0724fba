import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { generateKey } from 'openpgp';
import { errnoOf, isMissing } from '../errors/system-error.js';

/** The name of the key that the service makes by itself when no file of keys has it. */
export const madeKeyName = 'default';

/** The armoured secret key, undefined while nothing has been signed with it. */
export async function readMadeKey(home: string): Promise<string | undefined> {
  try {
    return await readFile(fileOf(home), 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Made once and whole: of several processes that make it at once, the first one's is everybody's. */
export async function readOrMakeKey(home: string): Promise<string> {
  const there = await readMadeKey(home);
  if (there !== undefined) return there;
  const file = fileOf(home);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  // Ed25519 of version 4, which GnuPG, rpm and apt of the systems in use know. Signs and certifies, has nothing to encrypt.
  const { privateKey } = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'Millrace package repositories' }], subkeys: [], format: 'armored' });
  const temporary = `${file}.${randomUUID()}`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(privateKey);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(temporary, file);
    await syncDirectory(path.dirname(file));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return readFile(file, 'utf8');
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function fileOf(home: string): string {
  return path.join(home, 'keys', `${madeKeyName}.asc`);
}
