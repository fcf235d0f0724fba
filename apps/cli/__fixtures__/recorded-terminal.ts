import type { Environment } from '../../../libs/settings/settings.js';
import { runCli } from '../run-cli.js';
import type { Terminal } from '../terminal.js';

export class RecordedTerminal implements Terminal {
  stdout = '';
  stderr = '';
  readonly colour: boolean = false;
  readonly interactive: boolean = false;

  constructor(readonly environment: Environment) {}

  out(text: string): void {
    this.stdout += text;
  }

  err(text: string): void {
    this.stderr += text;
  }
}

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line as `main.ts` does. */
export async function millrace(environment: Environment, ...parameters: readonly string[]): Promise<CliResult> {
  const terminal = new RecordedTerminal(environment);
  const exitCode = await runCli(parameters, terminal, '9.8.7');
  return { exitCode, stdout: terminal.stdout, stderr: terminal.stderr };
}
