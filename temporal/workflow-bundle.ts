import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { WorkflowBundleOption } from '@temporalio/worker';

const here = path.dirname(fileURLToPath(import.meta.url));
/** `dist/workflow-bundle.js` of a build; not there when the sources run (specs). */
const builtBundle = path.resolve(here, '../workflow-bundle.js');

/**
 * The workflows as one script, for `Worker.create`. A build has it ready, because bundling takes seconds and `npm start` should
 * not; specs that run from the sources bundle those, once a process.
 */
export async function workflowBundle(): Promise<WorkflowBundleOption> {
  if (existsSync(builtBundle)) return { codePath: builtBundle };
  return bundleFromSources();
}

let bundled: Promise<{ code: string }> | undefined;

function bundleFromSources(): Promise<{ code: string }> {
  bundled ??= bundle(workflowsPath('ts', 'js'));
  return bundled;
}

/** Writes the bundle of the compiled workflows; `scripts/build.mjs` runs this file for it. Returns the path. */
export async function buildWorkflowBundle(target: string = builtBundle): Promise<string> {
  const { code } = await bundle(workflowsPath('js'));
  await mkdir(path.dirname(target), { recursive: true });
  // By renaming, so that a worker that starts meanwhile never reads half of it.
  const partial = `${target}.${process.pid}.partial`;
  await writeFile(partial, code);
  await rename(partial, target);
  return target;
}

function workflowsPath(...endings: readonly string[]): string {
  const candidates = endings.map((ending) => path.resolve(here, `../workflows/index.${ending}`));
  return candidates.find((candidate) => existsSync(candidate)) ?? candidates[0]!;
}

/** Also used by replay specs to bundle a mutated copy of the workflows. */
export function bundle(workflowsFile: string): Promise<{ code: string }> {
  return bundleWorkflowCode({ workflowsPath: workflowsFile, logger: quiet });
}

const quiet = { log: () => undefined, trace: () => undefined, debug: () => undefined, info: () => undefined, warn: (message: string) => process.emitWarning(message), error: (message: string) => process.emitWarning(message) };

// node dist/temporal/workflow-bundle.js
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await buildWorkflowBundle();
