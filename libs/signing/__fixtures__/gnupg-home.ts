import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import nodePath from 'node:path';

/** A folder of the real GnuPG with its agent. */
export interface GnupgHome {
  readonly path: string;
  /** With the time stopped at a date (`20200101T000000!`) when it is given. */
  gpg(words: readonly string[], input?: string | Buffer): Buffer;
  makeKey(user: string, options?: { readonly password?: string; readonly expires?: string; readonly algorithm?: string; readonly time?: string }): void;
  secretKey(user: string, password?: string): string;
  publicKey(user: string): string;
  /** The same in one binary file. */
  keyring(user: string): Buffer;
  revoke(user: string): void;
  close(): void;
}

export function openGnupgHome(path: string): GnupgHome {
  mkdirSync(path, { mode: 0o700, recursive: true });
  const env = { ...process.env, GNUPGHOME: path };
  const gpg = (words: readonly string[], input: string | Buffer = ''): Buffer => execFileSync('gpg', ['--batch', '--quiet', '--pinentry-mode', 'loopback', ...words], { env, input, stdio: ['pipe', 'pipe', 'pipe'] });
  return {
    path,
    gpg,
    makeKey: (user, { password = '', expires = 'never', algorithm = 'ed25519', time } = {}) => {
      gpg([...(time === undefined ? [] : ['--faked-system-time', time]), '--passphrase', password, '--quick-generate-key', user, algorithm, 'sign', expires]);
    },
    secretKey: (user, password = '') => gpg(['--armor', '--passphrase', password, '--export-secret-keys', user]).toString('utf8'),
    publicKey: (user) => gpg(['--armor', '--export', user]).toString('utf8'),
    keyring: (user) => gpg(['--export', user]),
    revoke: (user) => {
      const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gpg(['--with-colons', '--list-keys', user]).toString('utf8'))?.[1];
      // GnuPG makes one with each key, and a colon before it against accidents.
      gpg(['--import'], readFileSync(nodePath.join(path, 'openpgp-revocs.d', `${fingerprint}.rev`), 'utf8').replace(/^:/m, ''));
    },
    close: () => void execFileSync('gpgconf', ['--kill', 'all'], { env }),
  };
}
