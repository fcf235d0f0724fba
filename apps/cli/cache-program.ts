import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { mainInstance } from '../../libs/cache/cache-instance.js';
import { entryKinds } from '../../libs/cache/cache-entry.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { cacheEvict, cacheList, cacheRemove, cacheStats, cacheTell, cacheVerify, cacheWhy, type CacheCommandContext } from './cache-command.js';
import { cacheGet, cachePut } from './cache-transfer.js';
import { contextOf, leaf, type ServiceOptions } from './command-options.js';
import type { Terminal } from './terminal.js';

interface InstanceOptions extends ServiceOptions {
  readonly instance: string;
}

interface NamedOptions extends InstanceOptions {
  readonly kind?: string;
  readonly key?: string;
  readonly qualifiers?: string;
}

/** Of blobs that were lost, as of whatever is no good. */
const exitOfLosses = 65;
const units: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };

/** `millrace cache …` */
export function addCacheCommands(program: Command, terminal: Terminal, exit: (code: number) => void): Command {
  const cache = program.command('cache').description('the artifact cache: what is in it, who pushed it, how full it is');
  const contextFor = async ({ instance, ...given }: InstanceOptions): Promise<CacheCommandContext> => ({ ...(await contextOf(given, terminal)), instance });
  addReading(cache, { contextFor, terminal });
  addUpkeep(cache, { contextFor, exit });
  return cache;
}

type ContextFor = (given: InstanceOptions) => Promise<CacheCommandContext>;

function addReading(cache: Command, { contextFor, terminal }: { readonly contextFor: ContextFor; readonly terminal: Terminal }): void {
  leaf(cache, 'stats', 'show how full the instances are, or one and its upkeep')
    .argument('[instance]')
    .action(async (instance: string | undefined, given: ServiceOptions) => cacheStats(await contextOf(given, terminal), instance));
  withInstance(leaf(cache, 'ls', 'list entries, the latest used first'))
    .addOption(kindOption())
    .option('--prefix <text>', 'those whose keys begin so')
    .option('--limit <count>', 'at most so many (1 to 500; 100 unless told)', limit)
    .option('--cursor <cursor>', 'those after this one')
    .action(async ({ kind, prefix, limit: most, cursor, ...given }: InstanceOptions & Readonly<Record<'kind' | 'prefix' | 'limit' | 'cursor', string | undefined>>) => cacheList(await contextFor(given), { kind, prefix, limit: most, cursor }));
  named(withInstance(leaf(cache, 'get', 'write a blob, or what an entry leads to, to a file')).argument('<file>'))
    .option('--digest <digest>', 'sha256:HASH or blake3:HASH of a blob, instead of an entry', digest)
    .addHelpText('after', '\nExamples:\n  $ millrace cache get out.tar --kind gradle --key 1a2b…\n  $ millrace cache get out.tar --digest sha256:9f86…')
    .action(async (file: string, { digest: asked, kind, key, qualifiers, ...given }: NamedOptions & { readonly digest?: string }) => {
      const entry = entryOf({ kind, key, qualifiers });
      if ((asked === undefined) === (entry === undefined)) throw new MillraceError('invalid-request', 'say which blob (--digest) or which entry (--kind and --key)');
      const context = await contextFor(given);
      if (asked !== undefined) await cacheGet(context, { digest: asked }, file);
      else if (entry !== undefined) await cacheGet(context, entry, file);
    });
  named(withInstance(leaf(cache, 'put', 'push a file as a blob, and perhaps an entry that leads to it')).argument('<file>'))
    .option('--build <text>', 'whatever the build farm calls the build that made it')
    .option('--session <id>', 'session that its inputs came through')
    .action(async (file: string, { kind, key, qualifiers, build, session, ...given }: NamedOptions & { readonly build?: string; readonly session?: string }) => cachePut(await contextFor(given), { file, entry: entryOf({ kind, key, qualifiers }), build, session }));
  withInstance(leaf(cache, 'why', 'show who pushed an entry when, out of which session and build, and what became of it').argument('<key>'))
    .addOption(kindOption())
    .option('--qualifiers <json>', 'of an asset: they belong to its name')
    .action(async (key: string, { kind, qualifiers, ...given }: NamedOptions) => cacheWhy(await contextFor(given), { key, kind, qualifiers }));
}

function addUpkeep(cache: Command, { contextFor, exit }: { readonly contextFor: ContextFor; readonly exit: (code: number) => void }): void {
  named(withInstance(leaf(cache, 'rm', 'remove an entry; its blobs go when nothing needs them'))).action(async ({ kind, key, qualifiers, ...given }: NamedOptions) => {
    const entry = entryOf({ kind, key, qualifiers });
    if (entry === undefined) throw new MillraceError('invalid-request', 'say which entry: --kind and --key');
    await cacheRemove(await contextFor(given), entry);
  });
  withInstance(leaf(cache, 'evict', 'evict what was not used for longest, down to the lower quota'))
    .option('--to <size>', 'down to so much, such as 5GiB', size)
    .option('--dry-run', 'tell what it would take, and change nothing')
    .action(async ({ to, dryRun, ...given }: InstanceOptions & { readonly to?: number; readonly dryRun?: true }) => cacheEvict(await contextFor(given), { dryRun: dryRun === true, toBytes: to }));
  withInstance(leaf(cache, 'verify', 'read all blobs and compare; exit code 65 when some are lost')).action(async (given: InstanceOptions) => {
    if (!(await cacheVerify(await contextFor(given)))) exit(exitOfLosses);
  });
  for (const [what, description] of [['pause', 'let eviction rest'], ['resume', 'let eviction go on']] as const) {
    withInstance(leaf(cache, what, description)).action(async (given: InstanceOptions) => cacheTell(await contextFor(given), what));
  }
}

function withInstance(command: Command): Command {
  return command.option('--instance <name>', 'instance of the cache', mainInstance);
}

function kindOption(): Option {
  return new Option('--kind <kind>', 'kind of entry').choices(entryKinds);
}

function named(command: Command): Command {
  return command.addOption(kindOption()).option('--key <key>', 'key of the entry').option('--qualifiers <json>', 'of an asset: they belong to its name');
}

function entryOf({ kind, key, qualifiers }: Pick<NamedOptions, 'kind' | 'key'> & { readonly qualifiers?: string | undefined }): { readonly kind: string; readonly key: string; readonly qualifiers?: string } | undefined {
  if (kind === undefined && key === undefined) return undefined;
  if (kind === undefined || key === undefined) throw new MillraceError('invalid-request', '--kind and --key belong together');
  return { kind, key, ...(qualifiers === undefined ? {} : { qualifiers }) };
}

function digest(text: string): string {
  if (!/^(?:sha256|blake3):[0-9a-f]{64}(?:\/\d{1,15})?$/.test(text)) throw new InvalidArgumentError('It must be sha256: or blake3: and 64 hex digits.');
  return text;
}

function limit(text: string): string {
  if (!/^[1-9]\d{0,2}$/.test(text) || Number(text) > 500) throw new InvalidArgumentError('It must be a whole number from 1 to 500.');
  return text;
}

function size(text: string): number {
  const [, number, unit] = /^(\d{1,15})\s?(|KiB|MiB|GiB|TiB)$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) throw new InvalidArgumentError('It must be a number of bytes, such as 500MiB or 5GiB.');
  return Number(number) * (units[unit] ?? 1);
}
