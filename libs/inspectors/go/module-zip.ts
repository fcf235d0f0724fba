import { createHash } from 'node:crypto';
import type { InspectedBody, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { withZipArchive, type ZipArchive } from '../archives/zip-archive.js';
import { goModLimit } from './go-mod.js';
import { moduleHash } from './module-hash.js';
import { isModulePath } from './module-path.js';
import { isCanonicalVersion } from './module-version.js';

/** A module zip that keeps the rules of its format. */
export interface ModuleZip {
  readonly module: string;
  readonly version: string;
  /** `h1:…` */
  readonly hash: string;
  readonly files: number;
}

/** Of the zip and of all it holds; `go` takes no more. */
const moduleLimit = 500 * 1024 * 1024;
const limits = { ...archiveLimits, unpackedBytes: moduleLimit };
/** Letters, digits and what every file system takes. */
const elementPattern = /^[\p{L}\p{Nd}!#$%&()+,\-.=@[\]^_{}~ ]+$/u;
const reservedPattern = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)/i;

/** Reads a whole module zip and hashes it. Throws the reason when `go` would not take it. */
export function readModuleZip(body: InspectedBody, options: { response: InspectedResponse; context: InspectionContext }): Promise<ModuleZip> {
  if (body.size > moduleLimit) throw limitExceeded(`the module zip is larger than ${moduleLimit} bytes`);
  return withZipArchive(body, { ...options, limits }, async (archive) => {
    const { directory, module, version } = findDirectory(archive);
    checkNames(archive, directory);
    const digests = new Map<string, string>();
    for (const path of archive.files.keys()) {
      const hash = createHash('sha256');
      for await (const chunk of archive.content(path)) hash.update(chunk);
      digests.set(path, hash.digest('hex'));
    }
    return { module, version, hash: moduleHash(digests), files: digests.size };
  });
}

/** The directory `module@version` that all files must be in. */
function findDirectory(archive: ZipArchive): { directory: string; module: string; version: string } {
  const [first = ''] = archive.files.keys();
  const [, module = '', version = ''] = /^([^@]+)@([^/@]+)\//.exec(first) ?? [];
  if (!isModulePath(module) || !isCanonicalVersion(version)) throw refusal('the module zip has no directory of the form module@version');
  return { directory: `${module}@${version}/`, module, version };
}

function checkNames(archive: ZipArchive, directory: string): void {
  const folded = new Map<string, string>();
  for (const [path, size] of archive.files) {
    const shown = JSON.stringify(path.slice(0, 120));
    if (!path.startsWith(directory)) throw refusal(`the module zip holds ${shown} outside of ${directory}`);
    const name = path.slice(directory.length);
    for (const element of name.split('/')) {
      if (!elementPattern.test(element) || element.endsWith('.') || reservedPattern.test(element)) throw refusal(`the module zip holds ${shown}, a name that not every system can have`);
    }
    checkFolding(name, folded);
    if (name.toLowerCase() === 'go.mod' && name !== 'go.mod') throw refusal(`the module zip holds ${shown} instead of go.mod`);
    if ((name === 'go.mod' || name === 'LICENSE') && size > goModLimit) throw limitExceeded(`the ${name} of the module zip is larger than ${goModLimit} bytes`);
  }
}

/** Refuses two names, of files or of directories on the way to them, that are one where case does not count, and a file that is a directory too. */
function checkFolding(name: string, folded: Map<string, string>): void {
  for (let end = name.indexOf('/'); end >= 0; end = name.indexOf('/', end + 1)) checkName(`${name.slice(0, end)}/`, folded);
  checkName(name, folded);
}

function checkName(name: string, folded: Map<string, string>): void {
  const key = fold(name.replace(/\/$/, ''));
  const known = folded.get(key);
  if (known !== undefined && known !== name) throw refusal(`the module zip holds ${JSON.stringify(name.slice(0, 120))} and ${JSON.stringify(known.slice(0, 120))}, the same where case does not count`);
  folded.set(key, name);
}

function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}
