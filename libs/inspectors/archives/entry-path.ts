import { refusal } from '../../inspection/refusal.js';

const maxPath = 4096;
const drive = /^[A-Za-z]:/;

/**
 * The path of an archive entry in one form (`a/b`, no `./`, no trailing `/`). Throws when unpacking it could write outside of the
 * target directory on any system. The archive's root (`./`) gives the empty string.
 */
export function safeEntryPath(name: string): string {
  const shown = JSON.stringify(name.slice(0, 120));
  if (name === '' || name.length > maxPath) throw refusal(`the archive has an entry with a name of ${name.length} characters`);
  if (name.includes('\0')) throw refusal(`the archive entry ${shown} has a NUL in its name`);
  if (name.includes('\\')) throw refusal(`the archive entry ${shown} has a backslash in its name`);
  if (name.startsWith('/') || drive.test(name)) throw refusal(`the archive entry ${shown} has an absolute path`);
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw refusal(`the archive entry ${shown} leaves the archive's directory`);
  return segments.join('/');
}

/** What a link may not leave: the first directory of the archive, which is the package itself, or the archive. */
export type LinkRoot = 'first-directory' | 'archive';

/** Throws when a symbolic link at `path` that points to `target` leaves `root`. */
export function checkLinkTarget(path: string, target: string, root: LinkRoot = 'first-directory'): void {
  const shown = JSON.stringify(path.slice(0, 120));
  if (target === '' || target.includes('\0') || target.includes('\\') || target.startsWith('/') || drive.test(target))
    throw refusal(`the link ${shown} has an absolute or malformed target`);
  const stack = path.split('/').slice(0, -1);
  for (const segment of target.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (stack.length <= (root === 'archive' ? 0 : 1)) throw refusal(`the link ${shown} points outside of the package`);
      stack.pop();
    } else {
      stack.push(segment);
    }
  }
}
