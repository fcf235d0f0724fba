import { readFile } from 'node:fs/promises';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { Environment } from '../settings/settings.js';
import type { SecretPlace } from './common-schemas.js';

/** Read at every connection, so that a secret that was changed in its file needs no restart. Errors: `invalid-setting`. */
export async function readSecret(place: SecretPlace, environment: Environment): Promise<string> {
  const value = 'file' in place ? await readText(place.file) : environment[place.env];
  const where = 'file' in place ? place.file : `the environment variable ${place.env}`;
  const secret = value?.trim() ?? '';
  if (secret === '') throw new MillraceError('invalid-setting', `${where} holds no secret`);
  return secret;
}

export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('invalid-setting', `cannot read ${file}: ${errorMessage(cause)}`, { cause });
  }
}
