import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { composeFlags, composeResults, composeStates, multilibMethods, sourceTypes } from '../../libs/compose/compose-vocabulary.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { NewCompose } from './compose-api.js';
import { addComposeNameCommands } from './compose-name-program.js';
import { composeCreate, composeDiff, composeEnd, composeGet, composeList, composeRenew, composeWait, type ComposeCommandContext } from './compose-command.js';
import { composeId, contextOf, leaf, seconds, type ServiceOptions } from './command-options.js';
import type { Terminal } from './terminal.js';

const composeTypes = ['test', 'ci', 'nightly', 'production', 'development'];

interface CreateOptions extends ServiceOptions {
  readonly repo?: readonly string[];
  readonly pungiCompose?: string;
  readonly sourceType?: string;
  readonly source?: string;
  readonly arch?: readonly string[];
  readonly sigkey?: readonly string[];
  readonly flag?: readonly string[];
  readonly result?: readonly string[];
  readonly ttl?: number;
  readonly label?: string;
  readonly composeType?: string;
  readonly targetDir?: string;
  readonly lookaside?: readonly string[];
  readonly multilibArch?: readonly string[];
  readonly multilibMethod?: readonly string[];
  readonly idempotencyKey?: string;
  readonly wait: boolean;
}

interface ListOptions extends ServiceOptions {
  readonly state?: string;
  readonly owner?: string;
  readonly sourceType?: string;
  readonly label?: string;
  readonly limit?: string;
  readonly page?: string;
}

interface RenewOptions extends ServiceOptions {
  readonly ttl?: number;
  readonly label?: string;
  readonly sigkey?: readonly string[];
  readonly idempotencyKey?: string;
}

/** `millrace compose …` */
export function addComposeCommands(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const compose = program.command('compose').description('make temporary repositories, watch them, keep them and compare them');
  const contextFor = async (given: ServiceOptions): Promise<ComposeCommandContext> => ({ ...(await contextOf(given, terminal)), exit, signals: process });
  addCreate(compose, contextFor);
  leaf(compose, 'list', 'list composes, the latest first; the queue: --state wait')
    .addOption(new Option('--state <state>', 'only composes in this state').choices(Object.keys(composeStates)))
    .option('--owner <name>', 'only composes of this owner')
    .addOption(new Option('--source-type <type>', 'only composes of such a source').choices(Object.keys(sourceTypes)))
    .option('--label <label>', 'only composes with this label')
    .option('--limit <count>', 'at most so many a page (1 to 100; 10 unless told)', numberUpTo(100))
    .option('--page <number>', 'this page, from 1', numberUpTo(1_000_000))
    .action(async ({ state, owner, sourceType, label, limit, page, ...given }: ListOptions) =>
      composeList(await contextFor(given), { state, owner, source_type: sourceType, label, per_page: limit, page }),
    );
  leaf(compose, 'get', 'show a compose: its state, why it failed, where its files and its log are')
    .argument('<id>', 'number of the compose', composeId)
    .action(async (id: number, given: ServiceOptions) => composeGet(await contextFor(given), id));
  leaf(compose, 'wait', 'show the progress of a compose until it has ended')
    .argument('<id>', 'number of the compose', composeId)
    .action(async (id: number, given: ServiceOptions) => composeWait(await contextFor(given), id));
  leaf(compose, 'renew', 'keep a compose longer, or make one with the same packages again')
    .argument('<id>', 'number of the compose', composeId)
    .option('--ttl <seconds>', 'keep it so long from now', seconds)
    .option('--label <label>', 'another label: makes a new compose')
    .option('--sigkey <key>', 'other keys, in the order of preference (repeat it): makes a new compose', collect)
    .option('--idempotency-key <key>', 'the same key gets the same answer')
    .action(async (id: number, { ttl, label, sigkey, idempotencyKey, ...given }: RenewOptions) =>
      composeRenew(await contextFor(given), id, { body: withoutUndefined({ seconds_to_live: ttl, label, sigkeys: sigkey }), idempotencyKey }),
    );
  leaf(compose, 'cancel', 'end a compose that waits or is being made; it fails')
    .argument('<id>', 'number of the compose', composeId)
    .action(async (id: number, given: ServiceOptions) => composeEnd(await contextFor(given), id, 'cancel'));
  leaf(compose, 'delete', 'let a compose that has ended expire now')
    .argument('<id>', 'number of the compose', composeId)
    .action(async (id: number, given: ServiceOptions) => composeEnd(await contextFor(given), id, 'delete'));
  leaf(compose, 'diff', 'show which packages two composes do not have in common, by architecture')
    .argument('<before>', 'number of a compose', composeId)
    .argument('<after>', 'number of another', composeId)
    .action(async (before: number, after: number, given: ServiceOptions) => composeDiff(await contextFor(given), [before, after]));
  addComposeNameCommands(compose, terminal);
}

function addCreate(compose: Command, contextFor: (given: ServiceOptions) => Promise<ComposeCommandContext>): void {
  leaf(compose, 'create', 'ask for a compose and show its progress until it has ended')
    .argument('[packages...]', 'names of packages; none: all of the source')
    .option('--repo <url>', 'repository to take packages from: a URL, or a path that the service allows (repeat it)', collect)
    .option('--pungi-compose <url>', 'URL of the repositories of a compose that Pungi made')
    .addOption(new Option('--source-type <type>', 'any other source, with --source').choices(Object.keys(sourceTypes)))
    .option('--source <text>', 'what the source type needs: a tag, modules, and so on')
    .option('--arch <arch>', 'architecture (repeat it)', collect)
    .option('--sigkey <key>', 'key that packages must be signed with, in the order of preference; "" allows unsigned ones (repeat it)', collect)
    .addOption(new Option('--flag <flag>', `one of: ${Object.keys(composeFlags).join(', ')} (repeat it)`).argParser(oneOf(composeFlags)))
    .addOption(new Option('--result <result>', `one of: ${Object.keys(composeResults).join(', ')} (repeat it)`).argParser(oneOf(composeResults)))
    .option('--ttl <seconds>', 'keep it so long after it is done', seconds)
    .option('--label <label>', 'label of the compose, such as RC-1.0')
    .addOption(new Option('--compose-type <type>', 'part of the id of the compose').choices(composeTypes))
    .option('--target-dir <name>', 'target directory of the service')
    .option('--lookaside <url>', 'repository whose packages are needed and not taken along (repeat it)', collect)
    .option('--multilib-arch <arch>', 'architecture that gets packages of its 32-bit sibling, too (repeat it)', collect)
    .addOption(new Option('--multilib-method <method>', `one of: ${Object.keys(multilibMethods).join(', ')} (repeat it)`).argParser(oneOf(multilibMethods)))
    .option('--idempotency-key <key>', 'the same key gets the same compose')
    .option('--no-wait', 'show the compose at once instead of waiting for it')
    .addHelpText('after', '\nExamples:\n  $ millrace compose create --repo https://repos.example.test/stable/x86_64/ bash coreutils\n  $ millrace compose create --repo /srv/repos/stable --flag no_deps --ttl 3600 --no-wait --json')
    .action(async (packages: readonly string[], { wait, idempotencyKey, ...given }: CreateOptions) =>
      composeCreate(await contextFor(given), newCompose(packages, given), { wait, idempotencyKey }),
    );
}

function newCompose(packages: readonly string[], given: Omit<CreateOptions, 'wait' | 'idempotencyKey'>): NewCompose {
  return {
    source: { ...sourceOf(given), ...(packages.length === 0 ? {} : { packages }), ...(given.sigkey === undefined ? {} : { sigkeys: given.sigkey }) },
    ...withoutUndefined({
      arches: given.arch,
      flags: given.flag,
      results: given.result,
      seconds_to_live: given.ttl,
      label: given.label,
      compose_type: given.composeType,
      target_dir: given.targetDir,
      lookaside_repos: given.lookaside,
      multilib_arches: given.multilibArch,
      multilib_method: given.multilibMethod,
    }),
  };
}

function sourceOf({ repo, pungiCompose, sourceType, source }: Pick<CreateOptions, 'repo' | 'pungiCompose' | 'sourceType' | 'source'>): { readonly type: string; readonly source?: string } {
  const given = [repo, pungiCompose, sourceType].filter((each) => each !== undefined);
  if (given.length !== 1) throw new MillraceError('invalid-request', 'a compose has one source: --repo, --pungi-compose or --source-type', { suggestion: 'Several repositories: repeat --repo.' });
  if (source !== undefined && sourceType === undefined) throw new MillraceError('invalid-request', '--source goes with --source-type');
  if (repo !== undefined) return { type: 'repo', source: repo.join(' ') };
  if (pungiCompose !== undefined) return { type: 'pungi_compose', source: pungiCompose };
  return { type: sourceType ?? '', ...(source === undefined ? {} : { source }) };
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function oneOf(known: object) {
  return (value: string, before: readonly string[] = []): readonly string[] => {
    if (!Object.hasOwn(known, value)) throw new InvalidArgumentError(`It must be one of: ${Object.keys(known).join(', ')}.`);
    return [...before, value];
  };
}

function numberUpTo(most: number) {
  return (text: string): string => {
    if (!/^[1-9]\d{0,6}$/.test(text) || Number(text) > most) throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}.`);
    return text;
  };
}

function withoutUndefined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
