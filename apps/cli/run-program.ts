import type { Command } from 'commander';
import { contextOf, leaf, newSession, withSessionOptions } from './command-options.js';
import type { NewSessionOptions, ServiceOptions } from './command-options.js';
import { runInSession } from './run-command.js';
import type { Terminal } from './terminal.js';

interface RunProgramOptions extends ServiceOptions, NewSessionOptions {
  readonly report?: string;
  readonly keep?: true;
}

/** `millrace run -- <command…>` */
export function addRunCommand(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  withSessionOptions(leaf(program, 'run', 'run a command inside a session of its own; its exit code is passed through'))
    .argument('<command...>', 'the command and its arguments, after --')
    .option('--report <file>', 'write the report of the session to this file')
    .option('--keep', 'do not end the session: it stays revoked until it expires')
    .passThroughOptions()
    .addHelpText('after', helpEnd)
    .action(async (command: string[], { report, keep, ...given }: RunProgramOptions) => {
      const { client, json } = await contextOf(given, terminal);
      const session = await newSession(given);
      const [file = '', ...parameters] = command;
      exit(
        await runInSession(
          client,
          { session, command: [file, ...parameters], ...(report === undefined ? {} : { report }), keep: keep === true, json },
          terminal,
        ),
      );
    });
}

const helpEnd = `
The command gets the proxy and the certificate authority in its environment, for curl, pip, npm, cargo, go, git, Maven and
others. Its own standard output is left alone: the summary goes to standard error, and --json adds one last line to
standard output. When the command ends, however it ends, the session is revoked, read and ended.

Examples:
  $ millrace run -- npm ci
  $ millrace run --policy permissive --report report.json -- pip install -r requirements.txt
  $ millrace run --json -- make | tail -n 1`;
