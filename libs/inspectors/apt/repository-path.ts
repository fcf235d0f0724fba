import { refusal } from '../../inspection/refusal.js';

const maxName = 1024;

/** The directory that a path lies in, with a slash at its end. */
export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** The path's directory and every one above it, nearest first, each with a slash at its end; at most 32. */
export function directoriesAbove(path: string): readonly string[] {
  const directories: string[] = [];
  for (let directory = directoryOf(path); directory !== '' && directories.length < 32; directory = directoryOf(directory.slice(0, -1))) directories.push(directory);
  return directories;
}

/** A file name as an index declares it, in one form (`pool/a/b.deb`). Throws a reason for one that leads outside of the repository. */
export function safeFileName(name: string): string {
  const plain = name.replace(/^(?:\.\/+)+/, '');
  const segments = plain.split('/');
  const bad = plain === '' || plain.length > maxName || segments.includes('..') || segments.includes('') || /[\0-\x20\x7f\\]/.test(plain);
  if (bad) throw refusal(`the index names the file ${JSON.stringify(name.slice(0, 120))}, which no repository has`);
  return plain;
}

/** Path of a URL as names are compared: percent escapes undone where that is possible. */
export function plainPath(path: string): string {
  try {
    const decoded = decodeURIComponent(path);
    return /[\0\n\t]/.test(decoded) ? path : decoded;
  } catch {
    return path;
  }
}
