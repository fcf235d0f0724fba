import { homedir } from 'node:os';
import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';
import type { Environment } from '../settings/settings.js';
import type { PungiSettings } from './pungi-settings-schema.js';
import type { RunTool, SupervisedTool, ToolEnd } from './supervised-tool.js';

/** The programs of one compose. */
export interface ComposeTools {
  run(tool: ComposeTool): Promise<ToolEnd>;
}

export interface ComposeTool extends Pick<SupervisedTool, 'args' | 'directory' | 'stdout' | 'stderr'> {
  /** One of Pungi's, by the key of the settings; else an absolute path. */
  readonly program: 'program' | 'config-dump' | 'config-validate' | `/${string}`;
  /** Bytes. */
  readonly outputLimit?: number;
  /** Milliseconds, besides the limits of the generation. */
  readonly timeout?: number;
}

export interface ComposeToolOptions {
  readonly settings: PungiSettings['pungi'];
  readonly runTool: RunTool;
  /** Absolute path of an executable; undefined: there is none. */
  readonly findTool: (name: string) => string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** See `SupervisedTool.mark`. */
  readonly mark: string;
  readonly signal: AbortSignal;
}

/** Bytes of each log: what clients watch. */
const longestLog = 256 * 1024 ** 2;

export function createComposeTools({ settings, runTool, findTool, environment, mark, signal }: ComposeToolOptions): ComposeTools {
  return {
    async run({ program, timeout, outputLimit = longestLog, ...tool }) {
      const name = program.startsWith('/') ? program : settings[program as 'program' | 'config-dump' | 'config-validate'];
      const found = name === undefined ? undefined : findTool(name);
      if (found === undefined) throw new MillraceError('tool-not-found', `${name ?? program} is not on this worker, which has been asked to run it`, { suggestion: 'Install it, or correct MILLRACE_PUNGI.' });
      const limited = timeout === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
      return runTool({ ...tool, program: found, outputLimit, environment, mark }, { signal: limited });
    },
  };
}

/** What tools inherit of a worker's environment, which has its secrets, and what the settings add. */
export function toolEnvironment(environment: Environment, own: Readonly<Record<string, string>>): Record<string, string> {
  const kept = ['PATH', 'HOME', 'USER', 'LOGNAME', 'TMPDIR', 'TZ'].flatMap((name): [string, string][] => (environment[name] === undefined ? [] : [[name, environment[name]]]));
  return { HOME: homedir(), PATH: ['/usr/bin', '/bin'].join(path.delimiter), ...Object.fromEntries(kept), LANG: 'C.UTF-8', ...own };
}
