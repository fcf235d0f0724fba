import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PinnedConfig } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import type { Environment } from '../settings/settings.js';
import { errorMessage } from '../errors/error-message.js';
import { baseComposeInfo, claimComposeId, readRelease } from './compose-id.js';
import { createComposeTools, toolEnvironment, type ComposeTools } from './compose-tools.js';
import { prepareConfig } from './prepare-config.js';
import { pungiArguments, type PungiComposeType } from './pungi-arguments.js';
import { failureOf, type FailedRun } from './pungi-failure.js';
import type { PungiSettings, RawConfig } from './pungi-settings-schema.js';
import type { RunTool } from './supervised-tool.js';

export interface PungiWork {
  /** `odcs-<id>` */
  readonly name: string;
  readonly request: ComposeRequest;
  readonly pinned: PinnedConfig;
  readonly kojiEvent: number | null;
  /** JSON of the configuration of the compose that is made again. */
  readonly dump: string | null;
  /** RFC 3339 */
  readonly startedAt: string;
  /** The compose as clients see it. */
  readonly compose: object;
  readonly places: PungiPlaces;
  readonly log: PungiLog;
}

/** Absolute paths. */
export interface PungiPlaces {
  /** Where Pungi writes: nobody looks there. */
  readonly tree: string;
  /** Whatever is needed meanwhile; removed in any case. */
  readonly scratch: string;
  /** Of the logs. */
  readonly logs: string;
  /** Target directory. */
  readonly root: string;
  /** What is served of the tree later; in place of paths in messages. */
  readonly url: string;
}

export interface PungiLog {
  info(text: string): void;
  warn(text: string): void;
  step(text: string): void;
}

/** Logs of programs that run besides Pungi, in the directory of the compose. */
export const besideLogs = {
  validate: ['pungi-config-validate-stdout.log', 'pungi-config-validate-stderr.log'],
  'post-script': ['post-script-stdout.log', 'post-script-stderr.log'],
} as const;
/** Those of Pungi itself, which clients watch. */
const pungiLogs = { stdout: 'pungi-stdout.log', stderr: 'pungi-stderr.log' } as const;

export interface ToolOptions {
  readonly runTool: RunTool;
  /** Absolute path of an executable; undefined: there is none. */
  readonly findTool: (name: string) => string | undefined;
  /** Where `env:` secrets are looked up, and what tools may inherit some of. */
  readonly environment: Environment;
  /** Absolute path: numbers of composes that are taken. */
  readonly composeIds: string;
}

export interface PungiOptions extends ToolOptions {
  readonly settings: PungiSettings;
  readonly config: RawConfig & { readonly name: string };
  readonly checkout: (directory: string) => Promise<void>;
  readonly signal: AbortSignal;
}

export async function writePungiTree(work: PungiWork, options: PungiOptions): Promise<void> {
  const { places } = work;
  const { pungi } = options.settings;
  const own = { ...pungi.environment, ODCS_RAW_CONFIG_SOURCE_NAME: options.config.name, MILLRACE_COMPOSE: work.name };
  const tools = createComposeTools({ ...options, settings: pungi, environment: toolEnvironment(options.environment, own), mark: path.join(places.root, work.name) });
  await mkdir(places.scratch, { mode: 0o700 });
  try {
    await make(work, options, tools);
  } finally {
    await rm(places.scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function make(work: PungiWork, options: PungiOptions, tools: ComposeTools): Promise<void> {
  const { places, request, log } = work;
  const { config, settings } = options;
  const checkout = path.join(places.scratch, 'configuration');
  await options.checkout(checkout);
  const prepared = await prepareConfig(
    {
      checkout,
      file: path.join(config.path ?? '', config['config-filename']),
      path: config.path ?? path.dirname(config['config-filename']),
      name: config.name,
      wrapper: config.wrapper ?? settings.pungi.wrapper,
      compose: work.compose,
      dump: work.dump,
    },
    tools,
  );
  const type = request.composeType as PungiComposeType;
  const date = new Date(work.startedAt).toISOString().slice(0, 10).replaceAll('-', '');
  const identity = await claimComposeId(options.composeIds, { release: readRelease(prepared.values, config.name), type, date, owner: work.name });
  await mkdir(path.join(places.tree, 'work', 'global'), { recursive: true });
  await writeFile(path.join(places.tree, 'COMPOSE_ID'), identity.id, { flag: 'wx' });
  await writeFile(path.join(places.tree, 'work', 'global', 'composeinfo-base.json'), baseComposeInfo(identity, request.label), { flag: 'wx' });
  await validate(prepared.file, { work, options, tools });
  const oldComposes = path.join(places.root, request.composeType);
  await mkdir(oldComposes, { recursive: true });
  log.step(`Pungi makes ${identity.id}`);
  const args = pungiArguments({ config: prepared.file, composeDirectory: places.tree, oldComposes, arguments: config.arguments ?? settings.pungi.arguments, request, kojiEvent: work.kojiEvent });
  log.info(`${settings.pungi.program} ${args.join(' ')}`);
  await succeed(work, tools, { name: 'Pungi', program: 'program', args, directory: path.dirname(prepared.file), logs: pungiLogs, look: [{ directory: places.tree, file: 'logs/global/pungi.global.log', take: 'errors' }] });
  await runPostScript(work, config, { tools, milliseconds: settings.pungi['post-script-timeout'] * 1000, signal: options.signal });
}

interface Step {
  readonly name: string;
  readonly program: Parameters<ComposeTools['run']>[0]['program'];
  readonly args: readonly string[];
  readonly directory: string;
  readonly logs: { readonly stdout: string; readonly stderr: string };
  readonly look: FailedRun['logs'];
}

async function succeed({ places, name }: PungiWork, tools: ComposeTools, step: Step): Promise<void> {
  const [stdout, stderr] = [path.join(places.logs, step.logs.stdout), path.join(places.logs, step.logs.stderr)];
  const end = await tools.run({ program: step.program, args: step.args, directory: step.directory, stdout, stderr });
  if (end.code === 0) return;
  const look = [...step.look, ...[step.logs.stderr, step.logs.stdout].map((file) => ({ directory: places.logs, file, take: 'tail' as const }))];
  throw await failureOf({ name: step.name, end, logs: look, paths: [[places.tree, places.url], [places.scratch, name], [places.root, path.dirname(places.url)]] });
}

async function validate(config: string, { work, options, tools }: { readonly work: PungiWork; readonly options: PungiOptions; readonly tools: ComposeTools }): Promise<void> {
  const { pungi } = options.settings;
  if (pungi['config-validate'] === undefined) return;
  const overrides = [pungi['schema-override'], options.config['schema-override']].flatMap((file) => (file === undefined ? [] : ['--schema-override', file]));
  const [stdout, stderr] = besideLogs.validate;
  await succeed(work, tools, { name: `the validation of the configuration ${options.config.name}`, program: 'config-validate', args: ['--old-composes', ...overrides, config], directory: path.dirname(config), logs: { stdout, stderr }, look: [] });
}

/** What comes of it does not fail the compose, as in ODCS. */
async function runPostScript(work: PungiWork, config: RawConfig, { tools, milliseconds, signal }: { readonly tools: ComposeTools; readonly milliseconds: number; readonly signal: AbortSignal }): Promise<void> {
  const script = config['post-script'];
  if (script === undefined) return;
  const [stdout, stderr] = besideLogs['post-script'].map((name) => path.join(work.places.logs, name)) as [string, string];
  work.log.step('the post-script runs');
  try {
    const { code, signal: ended } = await tools.run({ program: script as `/${string}`, args: [], directory: work.places.tree, stdout, stderr, timeout: milliseconds });
    if (code !== 0) work.log.warn(`the post-script ended with ${ended ?? `exit code ${code}`}; post-script-stderr.log may say why`);
  } catch (error) {
    signal.throwIfAborted();
    work.log.warn(`the post-script did not come to its end: ${errorMessage(error)}`);
  }
}
