import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MillraceError } from '../../errors/millrace-error.js';
import { buildAuthorityCertificate } from './certificate-builder.js';

export interface AuthorityFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/**
 * Makes `$home/ca/ca.pem` and `ca.key.pem` when they are not there. Safe when several processes start at once or one dies half-way: the key is
 * put in place by a hard link that only one process can make, then everybody certifies the key that is there, and again one link wins.
 */
export function ensureAuthorityFiles(home: string, now: number): AuthorityFiles {
  const directory = path.join(home, 'ca');
  const files = { certificateFile: path.join(directory, 'ca.pem'), keyFile: path.join(directory, 'ca.key.pem') };
  if (existsSync(files.certificateFile) && existsSync(files.keyFile)) return files;
  if (existsSync(files.certificateFile)) {
    throw new MillraceError('invalid-setting', `${files.certificateFile} is there but its key ${files.keyFile} is not`, {
      suggestion: 'Restore the key, or remove the certificate so that a new authority is made (every build must then trust the new one).',
    });
  }
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (!existsSync(files.keyFile)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    putInPlace(files.keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  }
  const key: KeyObject = createPrivateKey(readFileSync(files.keyFile));
  putInPlace(files.certificateFile, buildAuthorityCertificate(key, `Millrace ${randomBytes(4).toString('hex')}`, now), 0o644);
  return files;
}

/** Whole or not at all; an existing file is left as it is. */
function putInPlace(file: string, content: string, mode: number): void {
  const temporary = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, content, { mode, flag: 'wx' });
  try {
    chmodSync(temporary, mode); // the process's umask must not decide
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(temporary);
  }
}
