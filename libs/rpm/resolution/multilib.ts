import type { Candidate } from './candidate-pool.js';
import { sameVersion, type CandidatesByName } from './candidate-standing.js';
import type { SelectedCandidates } from './selected-candidates.js';

export type MultilibMethod = 'runtime' | 'devel' | 'all';

/** `libc.so.6`, `libssl.so.3()`: what rpm's generator writes for a shared object with a version. */
const sharedObject = /\.so\.\d/;

/** Files of the primary metadata that say that a package serves programs of both word sizes. */
const runtimeFiles = /^\/etc\/ld\.so\.conf\.d\/[^/]*\.conf$|^\/etc\/lsb-release\.d\/|^(?:\/usr)?\/lib(?:64)?\/(?:[^/]*\.so\.[^/]*|libnss_[^/]*|libdb-[^/]*|security\/[^/]*)$/;

/** Always, or never, wanted with `runtime`. Source: python-multilib's configuration. */
const runtimeNames: Readonly<Record<string, boolean>> = {
  libflashsupport: true,
  libgnat: true,
  'lmms-vst': true,
  nspluginwrapper: true,
  'perl-libs': true,
  'redhat-lsb': true,
  valgrind: true,
  wine: true,
  httpd: false,
  php: false,
  'tomcat-native': false,
};
const neverDevel: ReadonlySet<string> = new Set(['dmraid-devel', 'httpd-devel', 'kdeutils-devel', 'mkinitrd-devel', 'php-devel']);
const neverDevelNames = /^ghc-|^java-.*-devel$/;

const methods: Readonly<Record<MultilibMethod, (candidate: Candidate) => boolean>> = {
  all: () => true,
  devel: (candidate) => isDevelopment(candidate),
  runtime: (candidate) => isRuntime(candidate),
};

/** Whether a package of the other word size belongs into the tree by one of the methods. */
export function isMultilib(candidate: Candidate, wanted: readonly MultilibMethod[]): boolean {
  return wanted.some((method) => methods[method](candidate));
}

/**
 * Adds, to each selected package of the tree's own architecture, the same version of the other word size, where the methods say so. Each call looks at
 * what was selected since the one before.
 */
export function createMultilibAdder(wanted: readonly MultilibMethod[], selected: SelectedCandidates, byName: CandidatesByName, mayAdd: (candidate: Candidate) => boolean): () => void {
  let done = 0;
  return () => {
    if (wanted.length === 0) return;
    for (; done < selected.list.length; done += 1) {
      const candidate = selected.list[done] as Candidate;
      if (candidate.secondary || candidate.package.arch === 'noarch') continue;
      const others = (byName.get(candidate.package.name) ?? []).filter((other) => other.secondary && sameVersion(other, candidate));
      const other = others.find(mayAdd);
      if (other !== undefined && isMultilib(other, wanted)) selected.add(other);
    }
  };
}

function isDevelopment({ package: { name, dependencies } }: Candidate): boolean {
  if (neverDevel.has(name) || neverDevelNames.test(name)) return false;
  if (dependencies.provides.some((provided) => provided.name === 'kernel-devel')) return false;
  return [name, ...dependencies.provides.map((provided) => provided.name)].some((text) => /-(?:devel|static)(?:$|\()/.test(text));
}

function isRuntime({ package: { name, dependencies, files } }: Candidate): boolean {
  const listed = Object.hasOwn(runtimeNames, name) ? runtimeNames[name] : undefined;
  if (listed !== undefined) return listed;
  if (dependencies.provides.some((provided) => provided.name === 'kernel')) return false;
  return dependencies.provides.some((provided) => sharedObject.test(provided.name)) || files.some((file) => runtimeFiles.test(file));
}
