import { globSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorMessage } from '../../libs/errors/error-message.js';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { FuzzTarget } from '../../libs/testing/fuzz-target.js';
import { mutate, seededRandom } from './mutate.js';

/** An input that a parser neither read nor refused with a reason. */
export interface Finding {
  readonly input: Buffer;
  readonly message: string;
}

/** Every target of a folder with sources or with what was built of them, by name. */
export async function findTargets(root: string): Promise<readonly FuzzTarget[]> {
  const files = globSync('libs/**/__fuzz__/*.fuzz.{ts,js}', { cwd: root }).toSorted();
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(path.join(root, file)).href) as Promise<Record<string, unknown>>));
  return modules.flatMap((module) => Object.values(module).flat().filter(isTarget));
}

function isTarget(value: unknown): value is FuzzTarget {
  return typeof value === 'object' && value !== null && 'seeds' in value && 'run' in value && 'name' in value;
}

export interface FuzzOptions {
  readonly seed: number;
  /** Asked before each input. */
  readonly goOn: (inputs: number) => boolean;
  /** Told of each input before it is run, so that one that hangs is known. */
  readonly onInput?: (input: Buffer) => void;
}

/** Runs the seeds as they are, then mutations of them, until `goOn` says no or one is a finding. */
export async function runTarget(target: FuzzTarget, options: FuzzOptions): Promise<{ readonly inputs: number; readonly finding: Finding | undefined }> {
  const seeds = target.seeds();
  const random = seededRandom(options.seed);
  let inputs = 0;
  while (inputs < seeds.length || options.goOn(inputs)) {
    const input = seeds[inputs] ?? mutate(seeds, random);
    options.onInput?.(input);
    const message = await tryInput(target, input);
    inputs += 1;
    if (message !== undefined) return { inputs, finding: { input, message } };
  }
  return { inputs, finding: undefined };
}

/** Undefined when the input was read or refused; else what was thrown. */
export async function tryInput(target: FuzzTarget, input: Buffer): Promise<string | undefined> {
  try {
    await target.run(input);
    return undefined;
  } catch (error) {
    return isMillraceError(error) ? undefined : `${errorMessage(error)}\n${error instanceof Error ? (error.stack ?? '') : ''}`;
  }
}
