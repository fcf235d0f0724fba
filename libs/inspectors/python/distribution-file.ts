import { isProjectName, normaliseProjectName } from './project-name.js';
import { normalisePythonVersion } from './python-version.js';

/** What a wheel's file name says: `name-version[-build]-python-abi-platform.whl`. */
export interface WheelName {
  readonly name: string;
  readonly version: string;
  /** Last tag: `any`, `manylinux_2_17_x86_64`. */
  readonly platform: string;
}

const maxFileName = 512;
/** PEP 527 and before: old releases were packed in more ways than today's. */
export const sdistSuffixes = ['.tar.gz', '.tgz', '.tar.bz2', '.tar.xz', '.zip'] as const;

export function parseWheelName(fileName: string): WheelName | undefined {
  if (!fileName.endsWith('.whl') || fileName.length > maxFileName) return undefined;
  const parts = fileName.slice(0, -4).split('-');
  if (parts.length !== 5 && parts.length !== 6) return undefined;
  const [name = '', version = ''] = parts;
  if (!isProjectName(name) || version === '') return undefined;
  return { name, version, platform: parts.at(-1) as string };
}

/** Every way to read a source archive's file name as `name-version`: old projects have dashes in either part. */
export function readSdistName(fileName: string): readonly { name: string; version: string }[] {
  const suffix = sdistSuffixes.find((ending) => fileName.endsWith(ending));
  if (suffix === undefined || fileName.length > maxFileName) return [];
  const stem = fileName.slice(0, -suffix.length);
  const readings: { name: string; version: string }[] = [];
  for (let dash = stem.lastIndexOf('-'); dash > 0 && readings.length < 8; dash = stem.lastIndexOf('-', dash - 1)) {
    const name = stem.slice(0, dash);
    const version = stem.slice(dash + 1);
    if (isProjectName(name) && version !== '') readings.push({ name, version });
  }
  return readings;
}

/** The projects, in normal form, that a file may belong to by its name. A `.metadata` file belongs to the project of its distribution. */
export function possibleProjects(fileName: string): readonly string[] {
  const distribution = fileName.endsWith('.metadata') ? fileName.slice(0, -'.metadata'.length) : fileName;
  const wheel = parseWheelName(distribution);
  const names = wheel === undefined ? readSdistName(distribution).map(({ name }) => name) : [wheel.name];
  return [...new Set(names.map(normaliseProjectName))];
}

/** Whether two spellings name the same project and version. */
export function sameRelease(a: { name: string; version: string }, b: { name: string; version: string }): boolean {
  return normaliseProjectName(a.name) === normaliseProjectName(b.name) && normalisePythonVersion(a.version) === normalisePythonVersion(b.version);
}
