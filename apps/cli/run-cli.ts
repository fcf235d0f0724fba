import { CommanderError } from 'commander';
import { createProgram } from './program.js';
import { reportFailure } from './report-failure.js';
import type { Terminal } from './terminal.js';

/** sysexits' EX_USAGE, as `invalid-request` has it in the error table. */
const usageExit = 64;

/** Runs one command line; answers the exit code and never throws. */
export async function runCli(parameters: readonly string[], terminal: Terminal, version: string): Promise<number> {
  let exitCode = 0;
  const program = createProgram(terminal, { version, exit: (code) => (exitCode = code) });
  try {
    await program.parseAsync([...parameters], { from: 'user' });
    return exitCode;
  } catch (error) {
    // commander has said what is wrong; help and version are no errors
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExit;
    return reportFailure(error, terminal, asksForJson(parameters));
  }
}

/** Only what stands before `--` is ours. */
function asksForJson(parameters: readonly string[]): boolean {
  const end = parameters.indexOf('--');
  return (end < 0 ? parameters : parameters.slice(0, end)).includes('--json');
}
