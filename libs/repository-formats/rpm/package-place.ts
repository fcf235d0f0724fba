import { refusal } from '../../inspection/refusal.js';
import type { PackageIdentity } from '../../rpm/package/package-details.js';

/** As names of files may be, with the ending. */
const longest = 255;

/**
 * `name-version-release.arch.rpm`, out of the header, never out of what the upload was called. Versions, releases and architectures have none of the characters
 * that part them, so that no two packages have one file name; epochs are not in it: rpm keeps to that as well. Throws a reason for names that are none.
 */
export function canonicalFileName({ name, version, release, arch }: PackageIdentity): string {
  const sound = (what: string, text: string, pattern: RegExp): string => {
    if (!pattern.test(text)) throw refusal(`the package has the ${what} ${JSON.stringify(text.slice(0, 120))}: ${what}s of published packages have only letters, digits and some of "._+~^-", as rpmbuild makes them`);
    return text;
  };
  const file = [
    sound('name', name, /^[A-Za-z0-9_][A-Za-z0-9._+~^-]*$/),
    sound('version', version, /^[A-Za-z0-9._+~^]+$/),
    `${sound('release', release, /^[A-Za-z0-9._+~^]+$/)}.${sound('architecture', arch, /^[A-Za-z0-9_]+$/)}.rpm`,
  ].join('-');
  if (file.length > longest) throw refusal(`the package has a name, version and release of ${file.length} characters together, more than the ${longest} of a file name`);
  return file;
}

/** `Packages/b/bash-5.2-1.x86_64.rpm`. */
export function pathOfFile(file: string): string {
  return `Packages/${file.slice(0, 1).toLowerCase()}/${file}`;
}

export function obsoletePathOf(path: string): string {
  return `.obsolete/${path}`;
}
