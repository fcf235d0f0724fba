import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { MillraceError } from '../errors/millrace-error.js';
import type { ProcessDefinition } from '../embedded/supervised-process.js';
import { projectRoot } from '../embedded/project-root.js';
import type { ProgramName } from './server-options.js';

export interface ProgramOptions {
  /** Name of this process; proxies are numbered. */
  readonly name: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Default: the compiled program of the project. */
  readonly file: string | undefined;
}

/** How to run one of the project's own processes, which says over IPC when it is ready and ends when the supervisor is gone. */
export function programDefinition(program: ProgramName, options: ProgramOptions): Omit<ProcessDefinition, 'logDirectory'> {
  return {
    name: options.name,
    command: process.execPath,
    args: [programFile(program, options.file)],
    environment: withCompileCache(options.environment),
    cwd: projectRoot(),
    ready: 'message',
    readyDeadline: 60_000,
  };
}

/** Brings the database's schema up to date; a second server that does the same at the same time waits for it. */
export async function migrateDatabase(environment: NodeJS.ProcessEnv, { file, signal }: { readonly file: string | undefined; readonly signal: AbortSignal }): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [programFile('migrate', file)], { env: withCompileCache(environment), cwd: projectRoot(), timeout: 120_000, signal, killSignal: 'SIGKILL' });
  } catch (cause) {
    const output = (cause as { stderr?: string }).stderr ?? '';
    throw new MillraceError('start-failed', `bringing the database's schema up to date failed: ${output.trim().split('\n').slice(-5).join('\n')}`, { cause });
  }
}

/** Loading code is most of what a start takes, so Node keeps the compiled form beside the code that it was made from (and checks that it still fits). */
function withCompileCache(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { NODE_COMPILE_CACHE: path.join(projectRoot(), 'node_modules/.cache/node-compile'), ...environment };
}

function programFile(program: ProgramName, given: string | undefined): string {
  const file = given ?? path.join(projectRoot(), 'dist', program === 'migrate' ? 'libs/database/migrate.js' : `apps/${program}/main.js`);
  if (!existsSync(file)) throw new MillraceError('start-failed', `${file} is not there`, { suggestion: 'Run `npm run build` first; `npm start` does.' });
  return file;
}
