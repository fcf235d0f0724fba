import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MillraceError, isMillraceError } from '../libs/errors/millrace-error.js';
import { lockHolder, tryLock } from '../libs/embedded/exclusive-lock.js';
import type { Environment } from '../libs/settings/settings.js';
import { findOnPath, isExecutable, toolCacheDirectory } from './tool-cache.js';

export interface FindToolOptions {
  readonly environment: Environment;
  /** Default: `$XDG_CACHE_HOME/millrace` or `~/.cache/millrace`. */
  readonly cacheDirectory?: string;
  /** One line for each step, and for each ten seconds of a long one. */
  readonly onProgress?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/** One way to get the tool into the cache. Resolves when `target` exists; rejects with an error whose message says why it did not work. */
export interface ToolSource {
  /** For messages: "official download", "go install …". */
  readonly label: string;
  obtain(target: string, context: ToolSourceContext): Promise<void>;
}

export interface ToolSourceContext {
  readonly environment: Environment;
  readonly onProgress: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}

export interface ToolDefinition {
  /** For messages. */
  readonly title: string;
  /** Variable that names the executable. */
  readonly setting: string;
  /** Name on PATH. */
  readonly command: string;
  /** File inside the cache. */
  readonly cacheFile: string;
  readonly sources: readonly ToolSource[];
}

/** Looks for the tool in the setting, on PATH and in the cache, and otherwise gets it into the cache from the first source that works. */
export async function findTool(tool: ToolDefinition, options: FindToolOptions): Promise<string> {
  const { environment } = options;
  const report = options.onProgress ?? (() => undefined);
  const setting = environment[tool.setting];
  if (setting !== undefined && setting !== '') {
    if (!isExecutable(setting)) {
      throw new MillraceError('tool-not-found', `${tool.setting} names ${setting}, which is not an executable file`, { suggestion: `Correct ${tool.setting}, or unset it to have the ${tool.title} found or made.` });
    }
    report(`${tool.title}: ${setting} (${tool.setting})`);
    return path.resolve(setting);
  }
  const target = path.join(options.cacheDirectory ?? toolCacheDirectory(environment), tool.cacheFile);
  const onPath = findOnPath(tool.command, environment);
  if (onPath !== undefined) {
    rememberInCache(onPath, target);
    report(`${tool.title}: ${onPath} (PATH)`);
    return onPath;
  }
  if (isExecutable(target)) {
    report(`${tool.title}: ${target} (cache)`);
    return target;
  }
  report(`${tool.title}: not named by ${tool.setting}, not on PATH, not in the cache (${path.dirname(target)})`);
  await obtainLocked(tool, target, { environment, onProgress: report, signal: options.signal });
  return target;
}

/** For the daemon, which its clients start without PATH. A link that leads nowhere later on is not executable, and so counts as none. */
function rememberInCache(file: string, target: string): void {
  if (isExecutable(target)) return;
  try {
    mkdirSync(path.dirname(target), { recursive: true });
    rmSync(target, { force: true });
    symlinkSync(file, target);
  } catch {
    // A cache that cannot be written, or another process that did the same just now: the tool on PATH is found all the same.
  }
}

/** One process at a time makes the tool; the others wait and then find it in the cache. */
async function obtainLocked(tool: ToolDefinition, target: string, context: ToolSourceContext): Promise<void> {
  mkdirSync(path.dirname(target), { recursive: true });
  const lockFile = `${target}.lock`;
  for (let tries = 0; ; tries += 1) {
    const lock = tryLock(lockFile);
    if (lock !== undefined) {
      try {
        if (!isExecutable(target)) await obtainFromFirst(tool, target, context);
        return;
      } finally {
        lock.release();
      }
    }
    if (tries % 50 === 0) context.onProgress(`${tool.title}: ${lockHolder(lockFile)} is getting it; waiting`);
    await delay(200, undefined, context.signal === undefined ? {} : { signal: context.signal });
  }
}

async function obtainFromFirst(tool: ToolDefinition, target: string, context: ToolSourceContext): Promise<void> {
  const failures: string[] = [];
  for (const source of tool.sources) {
    context.onProgress(`${tool.title}: trying ${source.label}`);
    try {
      await source.obtain(target, context);
      if (!isExecutable(target)) throw new MillraceError('tool-not-found', 'it made no executable file');
      context.onProgress(`${tool.title}: ${target} (${source.label})`);
      return;
    } catch (error) {
      context.signal?.throwIfAborted();
      const reason = isMillraceError(error) || error instanceof Error ? error.message : String(error);
      failures.push(`${source.label}: ${reason}`);
      context.onProgress(`${tool.title}: ${source.label} did not work: ${reason}`);
    }
  }
  throw new MillraceError('tool-not-found', `no ${tool.title} was found and none could be made. Tried: ${tool.setting} (not set); ${tool.command} on PATH (not there); the cache (${target}: not there); ${failures.join('; ')}`, {
    suggestion: `Install it and put it on PATH, or name its executable in ${tool.setting}.`,
  });
}
