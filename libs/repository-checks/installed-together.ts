import type { RepositoryKind } from '../repository/repository.js';

/** Machines of one family install packages of the others beside their own; by what the names of rpm's architectures begin with. */
const rpmFamilies = [/^(?:i[3-6]86|athlon|geode|pentium[34]|x86_64|amd64|ia32e)/, /^armv?(?:5|6|7|8h|8l|h)/, /^aarch64/, /^ppc64le/, /^ppc(?:64)?(?:$|p|i)/, /^s390/, /^sparc/, /^mips/, /^riscv/];

/**
 * Whether a machine may have packages of both architectures, so that one can give what the other needs. A repository of several architectures is several to its clients: a library
 * for arm64 is of no use to a program for amd64. Of deb, foreign architectures are not counted on, as they have to be switched on.
 */
export function installedTogether(kind: RepositoryKind, needs: string, gives: string): boolean {
  if (needs === gives) return true;
  if (kind === 'deb') return needs === 'all' || gives === 'all';
  // A repository of Haiku has packages of one architecture, for any, and sources.
  if (kind === 'haiku') return true;
  if (gives === 'src' || gives === 'nosrc') return false;
  if ([needs, gives].includes('noarch') || needs === 'src' || needs === 'nosrc') return true;
  const family = (architecture: string): number => rpmFamilies.findIndex((pattern) => pattern.test(architecture));
  return family(needs) >= 0 && family(needs) === family(gives);
}
