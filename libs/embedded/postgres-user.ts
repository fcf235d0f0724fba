import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs';
import { MillraceError } from '../errors/millrace-error.js';

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: then it runs as the user `postgres`, made if there is none. Undefined: we are not root. */
export function postgresUser(): UserIds | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const existing = lookUp('postgres');
  if (existing !== undefined) return existing;
  try {
    execFileSync('/bin/sh', ['-c', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin; getent group postgres >/dev/null || groupadd --system postgres; useradd --system -g postgres -M -s /bin/false postgres'], { stdio: 'pipe' });
  } catch (cause) {
    throw new MillraceError('start-failed', 'PostgreSQL does not run as root, and the user postgres could not be made', { cause, suggestion: 'Run Millrace as an ordinary user, or set MILLRACE_DATABASE_URL.' });
  }
  const made = lookUp('postgres');
  if (made === undefined) throw new MillraceError('start-failed', 'the user postgres was made but is not in /etc/passwd');
  return made;
}

/** Whether the user can get at the path: a parent folder may be closed to all but root. */
export function isReachable(path: string, user: UserIds): boolean {
  try {
    execFileSync('/bin/sh', ['-c', 'test -r "$1"', 'sh', path], { ...user, stdio: 'ignore', cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

/** A folder that only this user can read. */
export function makePrivateFolder(folder: string, user: UserIds | undefined): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
}

function lookUp(name: string): UserIds | undefined {
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((entry) => entry.startsWith(`${name}:`));
  const fields = line?.split(':');
  return fields === undefined ? undefined : { uid: Number(fields[2]), gid: Number(fields[3]) };
}
