import type { PlannedPackage } from '../compose/compose-plan.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { PackageDescription } from '../rpm-repository/repository-writer.js';
import type { AvailablePackage } from '../rpm/repository/available-package.js';
import { packageFileName } from './compose-layout.js';
import type { FetchedPackage } from './fetched-package.js';
import type { GenerationContext } from './generation-context.js';
import { listed } from './listed.js';
import { chooseSigned, refuseUnsigned } from './signature-choice.js';

export interface WantedPackages {
  readonly arch: string;
  readonly wanted: readonly AvailablePackage[];
  /** Where other files of the same packages are looked for. */
  readonly offered: readonly AvailablePackage[];
}

/** Files of one name go to one place in a tree. */
export const fileNameOf = packageFileName;

/** Fetches at once; network and disk both wait most of the time. */
const atOnce = 16;
/** Failed packages that are named before a generation gives up. */
const failuresNamed = 100;

/**
 * Fetches the files of packages and decides between files of one name: by keys where keys are asked for, then by the order of the repositories. The keys of
 * the answer are `<arch> <file name>`. Errors: those of `RepositorySource`; `source-invalid`, `unresolvable`.
 */
export async function settlePackages(context: GenerationContext, trees: readonly WantedPackages[], sigkeys: readonly string[]): Promise<ReadonlyMap<string, FetchedPackage>> {
  const slots = trees.flatMap(({ arch, wanted, offered }) => {
    const candidates = candidatesByName(wanted, sigkeys.length === 0 ? wanted : offered);
    return [...candidates].map(([name, files]) => ({ key: `${arch} ${name}`, name, files }));
  });
  const files = [...new Map(slots.flatMap((slot) => (sigkeys.length === 0 ? slot.files.slice(0, 1) : slot.files)).map((file) => [fileKey(file), file])).values()];
  context.log.step(`fetching ${files.length} package files`);
  const fetched = await fetchAll(context, files);
  const settled = new Map<string, FetchedPackage>();
  const refused = new Map<string, readonly string[]>();
  for (const slot of slots) {
    const candidates = slot.files.flatMap((file) => fetched.get(fileKey(file)) ?? []);
    const chosen = sigkeys.length === 0 ? candidates[0] : chooseSigned(candidates, sigkeys);
    if (chosen === undefined) refused.set(slot.name, [...new Set(candidates.flatMap(({ keyIds }) => keyIds))]);
    else settled.set(slot.key, chosen);
  }
  refuseUnsigned(context, refused, sigkeys);
  return settled;
}

/** Of each wanted file name, every candidate: the newest epoch first, then by the order of the repositories. */
function candidatesByName(wanted: readonly AvailablePackage[], offered: readonly AvailablePackage[]): Map<string, AvailablePackage[]> {
  const byName = new Map<string, AvailablePackage[]>(wanted.map((item) => [fileNameOf(item), []]));
  for (const item of offered) byName.get(fileNameOf(item))?.push(item);
  for (const [name, files] of byName) {
    const epoch = Math.max(...files.map((file) => file.epoch));
    const sorted = files.filter((file) => file.epoch === epoch).sort((one, other) => one.repository - other.repository || (one.location < other.location ? -1 : 1));
    byName.set(name, sorted);
  }
  return byName;
}

function fileKey({ checksum, location }: AvailablePackage): string {
  return `${checksum.algorithm}:${checksum.hex} ${location}`;
}

async function fetchAll(context: GenerationContext, files: readonly AvailablePackage[]): Promise<Map<string, FetchedPackage>> {
  const fetched = new Map<string, FetchedPackage>();
  const failures: MillraceError[] = [];
  let next = 0;
  let bytes = 0;
  const work = async (): Promise<void> => {
    while (next < files.length && !isHopeless(failures)) {
      const file = files[next] as AvailablePackage;
      next += 1;
      try {
        const item = await fetchOne(context, file);
        bytes += item.planned.size;
        fetched.set(fileKey(file), item);
        context.progress('fetch', fetched.size, files.length);
      } catch (error) {
        context.signal.throwIfAborted();
        if (!isMillraceError(error)) throw error;
        context.log.error(error.message);
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, files.length) }, work));
  if (failures.length > 0) throw together(failures, files.length);
  context.log.info(`${fetched.size} package files are in the store, ${bytes} bytes`);
  return fetched;
}

function isHopeless(failures: readonly MillraceError[]): boolean {
  return failures.length >= failuresNamed || failures.some(isFinal);
}

/** A server that does not answer will not answer for the rest either; packages that are gone are all named. */
function isFinal({ code }: MillraceError): boolean {
  return code === 'source-unavailable' || code === 'storage-full' || code === 'forbidden';
}

function together(failures: readonly MillraceError[], of: number): MillraceError {
  const [first] = failures as [MillraceError];
  const worst = failures.find(isFinal) ?? first;
  if (failures.length === 1) return worst;
  const messages = failures.filter(({ code }) => code === worst.code).map(({ message }) => message);
  const suggestion = worst.suggestion === undefined ? {} : { suggestion: worst.suggestion };
  return new MillraceError(worst.code, `${failures.length} of ${of} packages cannot be had: ${listed(messages.sort(), failuresNamed)}`, { cause: worst, ...suggestion });
}

async function fetchOne(context: GenerationContext, file: AvailablePackage): Promise<FetchedPackage> {
  const { sha256, size } = await context.source.fetch(file, { signal: context.signal });
  const description = await context.writer.describe(sha256);
  refuseOther(file, description);
  return { planned: planFile(file, { sha256, size, description }), keyIds: description.keyIds };
}

/** Of a file name, on every file system that matters. */
const longestName = 255;

/** What an index says of a package decides where it goes; a package that says otherwise of itself would go elsewhere. */
function refuseOther(file: AvailablePackage, description: PackageDescription): void {
  if (Buffer.byteLength(packageFileName(file)) > longestName) throw new MillraceError('source-invalid', `${file.location}: name, version and release of the package make a file name of more than ${longestName} bytes`);
  if (isSame(file, description)) return;
  throw new MillraceError('source-invalid', `${file.location} is ${nevraOf(description)}, but the metadata of its repository says ${nevraOf(file)}`, { suggestion: 'Have the metadata of that repository made anew.' });
}

type Nevra = Pick<PlannedPackage, 'name' | 'epoch' | 'version' | 'release' | 'arch'>;

/** Part by part: `a-1` of version 2 is another package than `a` of version `1-2`. */
function isSame(one: Nevra, other: Nevra): boolean {
  return one.name === other.name && one.epoch === other.epoch && one.version === other.version && one.release === other.release && binaryOrSource(one.arch) === binaryOrSource(other.arch);
}

function binaryOrSource(arch: string): string {
  return arch === 'nosrc' ? 'src' : arch;
}

/** Each part in quotes where the whole could be read in another way. */
function nevraOf({ name, epoch, version, release, arch }: Nevra): string {
  const parts = /[-:]/.test(version) || release.includes('-') ? [name, version, release].map((part) => JSON.stringify(part)) : [name, version, release];
  return `${parts[0]}-${epoch === 0 ? '' : `${epoch}:`}${parts[1]}-${parts[2]}.${binaryOrSource(arch)}`;
}

/** Packages have times of 32 bits; others would go into dates that images and file systems do not have. */
function isFileTime(seconds: number): boolean {
  return seconds > 0 && seconds < 2 ** 32;
}

function planFile(file: AvailablePackage, { sha256, size, description }: { readonly sha256: string; readonly size: number; readonly description: PackageDescription }): PlannedPackage {
  const { name, epoch, version, release, arch } = file;
  return {
    sha256,
    size,
    name,
    epoch,
    version,
    release,
    arch,
    sourceRpm: description.sourceRpm === '' ? packageFileName(file) : description.sourceRpm,
    sigkey: description.keyIds[0] ?? '',
    fileTime: isFileTime(file.fileTime) ? file.fileTime : description.buildTime,
    from: file.location,
  };
}
