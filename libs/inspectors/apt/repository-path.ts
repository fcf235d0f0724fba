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

/** Path of a URL as names are compared: percent escapes undone where that is possible. */
export function plainPath(path: string): string {
  try {
    const decoded = decodeURIComponent(path);
    return /[\0\n\t]/.test(decoded) ? path : decoded;
  } catch {
    return path;
  }
}
