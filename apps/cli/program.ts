import { Command } from 'commander';
import { addAccessCommands } from './access-program.js';
import { addCacheCommands } from './cache-program.js';
import { addCacheServeCommands } from './cache-serve-program.js';
import { addComposeCommands } from './compose-program.js';
import { contextOf, leaf } from './command-options.js';
import type { ServiceOptions } from './command-options.js';
import { addOriginsCommands } from './origins-program.js';
import { addPolicyCommands } from './policy-program.js';
import { addRepositoryCommands } from './repository-program.js';
import { addRuleCommands } from './rule-program.js';
import { addRunCommand } from './run-program.js';
import { addSessionCommands } from './session-program.js';
import { showStatus } from './status-command.js';
import type { Terminal } from './terminal.js';

export interface ProgramOptions {
  readonly version: string;
  /** Told the exit code of a command that has one of its own. */
  readonly exit: (code: number) => void;
}

/** The whole command line; commander's own errors come out of `parseAsync` as `CommanderError`. */
export function createProgram(terminal: Terminal, options: ProgramOptions): Command {
  const program = new Command('millrace')
    .description('Records and controls what builds download, and makes repositories for them.')
    .version(options.version)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .addHelpText('after', helpEnd);
  addRunCommand(program, terminal, options.exit);
  addSessionCommands(program, terminal);
  addComposeCommands(program, terminal, options.exit);
  addRepositoryCommands(program, terminal, options.exit);
  addCacheServeCommands(addCacheCommands(program, terminal, options.exit), terminal);
  addRuleCommands(program, terminal);
  addPolicyCommands(program, terminal, options.exit);
  addAccessCommands(program, terminal, options.exit);
  addOriginsCommands(program, terminal);
  leaf(program, 'status', 'show how long the service runs and which sessions are active').action(async (given: ServiceOptions) =>
    showStatus(await contextOf(given, terminal)),
  );
  return program;
}

const helpEnd = `
Examples:
  $ millrace run -- npm ci                                  run a build inside a session of its own
  $ millrace run --policy strict --report report.json -- make
  $ millrace session list --state open --json
  $ millrace compose create --repo https://repos.example.test/stable/x86_64/ bash
  $ millrace repo publish stable build/*.rpm

The service is found by --server, MILLRACE_SERVER, or addresses.json in MILLRACE_HOME (default .millrace); its
credentials by MILLRACE_TOKEN (bearer token), MILLRACE_CONTROL_AUTH (user:password) or control-auth in MILLRACE_HOME.
Exit codes: docs/reference/cli.md.`;
