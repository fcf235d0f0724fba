import { MillraceError } from '../../libs/errors/millrace-error.js';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { repositoryKinds } from '../../libs/repository/repository.js';
import { composeId, contextOf, leaf, type ServiceOptions } from './command-options.js';
import {
  repositoryChange,
  repositoryConfigure,
  repositoryCreate,
  repositoryDelete,
  repositoryDiff,
  repositoryHistory,
  repositoryList,
  repositoryPublish,
  repositoryShow,
  repositoryStatus,
  type NewRepositoryOptions,
  type RepositoryCommandContext,
} from './repository-command.js';
import { repositoryCheck, repositoryPrune, repositoryRepair, repositorySynchronise } from './repository-maintenance.js';
import type { Terminal } from './terminal.js';

interface PageOptions extends ServiceOptions {
  readonly limit?: string;
  readonly cursor?: string;
}

interface FlagOptions extends ServiceOptions {
  readonly force?: true;
  readonly dryRun?: true;
  readonly wait: boolean;
}

interface PublishOptions extends FlagOptions {
  readonly session?: string;
  readonly compose?: number;
  readonly build?: string;
  readonly digest?: readonly string[];
  readonly cache?: string;
  readonly cacheKey?: string;
  readonly component?: string;
  readonly changeId?: string;
}

type ContextFor = (given: ServiceOptions) => Promise<RepositoryCommandContext>;

/** Of findings, as of packages that are no good. */
const exitOfFindings = 65;

/** `millrace repo …` */
export function addRepositoryCommands(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const repo = program.command('repo').description('package repositories: publish, install straight from the bucket, look after them');
  const never = new AbortController().signal;
  const contextFor: ContextFor = async (given) => ({ ...(await contextOf(given, terminal)), signal: never });
  addReading(repo, contextFor);
  addChanging(repo, async (given) => ({ ...(await contextOf(given, terminal)), signal: interrupted() }));
  addMaintenance(repo, { contextFor, exit });
}

function addReading(repo: Command, contextFor: ContextFor): void {
  paged(leaf(repo, 'list', 'list repositories, or the packages of one').argument('[name]'))
    .option('--state <number>', 'packages of this state', stateNumber)
    .option('--search <text>', 'packages with this in their names')
    .action(async (name: string | undefined, { limit, cursor, state, search, ...given }: PageOptions & { readonly state?: number; readonly search?: string }) => repositoryList(await contextFor(given), name, { limit, cursor, state: state?.toString(), search }));
  leaf(repo, 'show', 'show a repository, or a package of it and where that came from')
    .argument('<name>')
    .argument('[package]', 'name of its file')
    .action(async (name: string, key: string | undefined, given: ServiceOptions) => repositoryShow(await contextFor(given), name, key));
  paged(leaf(repo, 'history', 'list the states of a repository, the latest first').argument('<name>')).action(async (name: string, { limit, cursor, ...given }: PageOptions) => repositoryHistory(await contextFor(given), name, { limit, cursor }));
  leaf(repo, 'diff', 'show which packages two states do not have in common')
    .argument('<name>')
    .argument('<from>', 'number of a state', stateNumber)
    .argument('<to>', 'number of another', stateNumber)
    .action(async (name: string, from: number, to: number, given: ServiceOptions) => repositoryDiff(await contextFor(given), name, [String(from), String(to)]));
  paged(leaf(repo, 'status', 'list the changes of a repository, the latest first, or show one').argument('<name>').argument('[change]', 'id of a change'))
    .option('--no-wait', 'show a change as it is instead of waiting for its end')
    .action(async (name: string, change: string | undefined, { limit, cursor, wait, ...given }: PageOptions & { readonly wait: boolean }) => repositoryStatus(await contextFor(given), name, { wait, ...(change === undefined ? {} : { change }), ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) }));
}

function addChanging(repo: Command, contextFor: ContextFor): void {
  leaf(repo, 'create', 'make a repository')
    .argument('<name>')
    .addOption(new Option('--kind <kind>', 'what its packages are').choices(repositoryKinds).makeOptionMandatory())
    .option('--info <file>', 'repo.info of a haiku repository')
    .option('--settings <file>', 'settings, as JSON')
    .option('--key <name>', 'key that signs it (repeat it)', collect)
    .option('--store <name>', 'store of the service; "default" unless told')
    .option('--folder <path>', 'folder of the store; the name of the repository unless told')
    .addHelpText('after', '\nExamples:\n  $ millrace repo create stable --kind rpm --key release\n  $ millrace repo create haikuports --kind haiku --info repo.info --folder master/x86_64/current')
    .action(async (name: string, { kind, info, settings, key, store, folder, ...given }: ServiceOptions & Omit<NewRepositoryOptions, 'name' | 'keys'> & { readonly key?: readonly string[] }) => repositoryCreate(await contextFor(given), { name, kind, info, settings, keys: key, store, folder }));
  leaf(repo, 'configure', 'set settings of a repository, each as a whole')
    .argument('<name>')
    .argument('<file>', 'those that change, as JSON')
    .action(async (name: string, file: string, given: ServiceOptions) => repositoryConfigure(await contextFor(given), name, file));
  flagged(leaf(repo, 'publish', 'publish packages, all or none of them, and wait until they can be installed').argument('<name>').argument('[files...]', 'package files'))
    .option('--session <id>', 'session that they were built in')
    .option('--compose <id>', 'compose that they were built from', composeId)
    .option('--build <text>', 'whatever the build farm calls the build')
    .option('--digest <sha256>', 'bytes that the cache, session or compose has, instead of a file (repeat it)', collectDigest)
    .option('--cache <instance>', 'instance of the artifact cache that has the digests')
    .option('--cache-key <key>', 'entry of it that led to them, for the record')
    .option('--component <name>', 'component of a deb repository')
    .option('--change-id <uuid>', 'id of the change: the same again sends and publishes nothing twice', changeId)
    .addHelpText('after', '\nExamples:\n  $ millrace repo publish stable build/*.rpm --build 4711\n  $ millrace repo publish stable build/*.rpm --dry-run --json')
    .action(async (name: string, files: readonly string[], { session, compose, build, digest = [], cache: instance, cacheKey: key, component, changeId: id, force, dryRun, wait, ...given }: PublishOptions) => {
      if (key !== undefined && instance === undefined) throw new MillraceError('invalid-request', '--cache-key goes with --cache, which has the entry');
      const cache = instance === undefined ? undefined : { instance, ...(key === undefined ? {} : { key }) };
      const origin = { ...(session === undefined ? {} : { session }), ...(compose === undefined ? {} : { compose }), ...(build === undefined ? {} : { build }), ...(cache?.key === undefined ? {} : { cache: { instance: cache.instance, key: cache.key } }) };
      await repositoryPublish(await contextFor(given), { name, files, digests: digest, cache, origin, component, changeId: id, force: force === true, dryRun: dryRun === true, wait });
    });
  flagged(leaf(repo, 'remove', 'take packages out of what clients see').argument('<name>').argument('<packages...>', 'names of their files')).action(async (name: string, keys: readonly string[], { force, dryRun, wait, ...given }: FlagOptions) =>
    repositoryChange(await contextFor(given), { name, action: 'remove', body: { keys }, force: force === true, dryRun: dryRun === true, wait }),
  );
  flagged(leaf(repo, 'rollback', 'let clients see what an older state had, as a new state').argument('<name>').argument('<state>', 'number of the state', stateNumber)).action(async (name: string, to: number, { force, dryRun, wait, ...given }: FlagOptions) =>
    repositoryChange(await contextFor(given), { name, action: 'rollback', body: { to }, force: force === true, dryRun: dryRun === true, wait }),
  );
  leaf(repo, 'sign', 'write and sign the index again')
    .argument('<name>')
    .option('--no-wait', 'do not wait until it is done')
    .action(async (name: string, { wait, ...given }: ServiceOptions & { readonly wait: boolean }) => repositoryChange(await contextFor(given), { name, action: 'sign', body: {}, wait }));
  leaf(repo, 'delete', 'forget a repository; its objects stay in the store')
    .argument('<name>')
    .option('--force', 'although it lists packages')
    .action(async (name: string, { force, ...given }: ServiceOptions & { readonly force?: true }) => repositoryDelete(await contextFor(given), name, force === true));
}

function addMaintenance(repo: Command, { contextFor, exit }: { readonly contextFor: ContextFor; readonly exit: (code: number) => void }): void {
  const cautious = (command: Command): Command => command.option('--dry-run', 'tell what it would do, and change nothing').option('--force', 'as much as it takes, whatever the guard says');
  leaf(repo, 'check', 'compare a repository with its record; exit code 65 when something is wrong')
    .argument('<name>')
    .option('--deep', 'read every byte of every package')
    .action(async (name: string, { deep, ...given }: ServiceOptions & { readonly deep?: true }) => {
      if (!(await repositoryCheck(await contextFor(given), name, deep === true))) exit(exitOfFindings);
    });
  const waiting = (command: Command): Command => cautious(command).option('--no-wait', 'do not wait until clients see it');
  waiting(leaf(repo, 'repair', 'mend what a check finds').argument('<name>')).action(async (name: string, { force, dryRun, wait, ...given }: FlagOptions) => repositoryRepair(await contextFor(given), name, { force: force === true, dryRun: dryRun === true, wait }));
  waiting(leaf(repo, 'sync', 'fetch and publish what the upstream of a mirror has').argument('<name>')).action(async (name: string, { force, dryRun, wait, ...given }: FlagOptions) => repositorySynchronise(await contextFor(given), { name, force: force === true, dryRun: dryRun === true, wait }));
  waiting(leaf(repo, 'import', 'take over what another repository lists, once').argument('<name>').requiredOption('--from <url>', 'http(s), file: or store:NAME/FOLDER').option('--key-file <file>', 'public key that its index has to be signed with (repeat it)', collect)).action(
    async (name: string, { from, keyFile = [], force, dryRun, wait, ...given }: FlagOptions & { readonly from: string; readonly keyFile?: readonly string[] }) => repositorySynchronise(await contextFor(given), { name, from: { url: from, keyFiles: keyFile }, force: force === true, dryRun: dryRun === true, wait }),
  );
  cautious(leaf(repo, 'prune', 'move what nothing lists to .obsolete/, and delete what lay there for long').argument('<name>')).action(async (name: string, { force, dryRun, ...given }: Omit<FlagOptions, 'wait'>) =>
    repositoryPrune(await contextFor(given), name, { force: force === true, dryRun: dryRun === true }),
  );
}

function flagged(command: Command): Command {
  return command.option('--dry-run', 'tell what it would do, and change nothing').option('--force', 'drop as much as it takes, whatever the guard says').option('--no-wait', 'do not wait until it is done');
}

function paged(command: Command): Command {
  return command.option('--limit <count>', 'at most so many (1 to 500; 100 unless told)', limit).option('--cursor <cursor>', 'those after this one');
}

let interruption: AbortSignal | undefined;

/** The first Ctrl-C leaves what is recorded to the service, and says how to go on; the second ends the program. */
function interrupted(): AbortSignal {
  if (interruption === undefined) {
    const controller = new AbortController();
    process.once('SIGINT', () => controller.abort());
    interruption = controller.signal;
  }
  return interruption;
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function collectDigest(text: string, before: readonly string[] | undefined): readonly string[] {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('It must be a SHA-256 digest in lower-case hex.');
  return collect(text, before);
}

function changeId(text: string): string {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) throw new InvalidArgumentError('It must be a UUID in lower case.');
  return text;
}

function stateNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be the number of a state.');
  return Number(text);
}

function limit(text: string): string {
  if (!/^[1-9]\d{0,2}$/.test(text) || Number(text) > 500) throw new InvalidArgumentError('It must be a whole number from 1 to 500.');
  return text;
}
