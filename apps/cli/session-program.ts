import { Option } from 'commander';
import type { Command } from 'commander';
import { contextOf, leaf, newSession, withSessionOptions } from './command-options.js';
import type { NewSessionOptions, ServiceOptions } from './command-options.js';
import type { Shell } from './session-api.js';
import { sessionCreate, sessionDownloads, sessionEnd, sessionEnvironment, sessionList, sessionReport, sessionRevoke, sessionShow } from './session-command.js';
import type { Terminal } from './terminal.js';

interface ListOptions extends ServiceOptions {
  readonly state?: string;
  readonly policy?: string;
  readonly owner?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

/** `millrace session …` */
export function addSessionCommands(program: Command, terminal: Terminal): void {
  const session = program.command('session').description('open, watch, revoke and end sessions');
  withSessionOptions(leaf(session, 'create', 'open a session and show its token, once'))
    .addHelpText('after', '\nExample:\n  $ millrace session create --policy permissive --timeout 3600 --json')
    .action(async (given: ServiceOptions & NewSessionOptions) => sessionCreate(await contextOf(given, terminal), await newSession(given)));
  leaf(session, 'list', 'list sessions, the latest first')
    .addOption(new Option('--state <state>', 'only sessions in this state').choices(['open', 'revoked', 'ended', 'expired']))
    .addOption(new Option('--policy <policy>', 'only sessions with this policy').choices(['strict', 'permissive']))
    .option('--owner <name>', 'only sessions of this owner')
    .option('--limit <count>', 'at most so many (1 to 500; 100 unless told)')
    .option('--cursor <cursor>', 'the page after the one that showed this cursor')
    .action(async ({ state, policy, owner, limit, cursor, ...given }: ListOptions) =>
      sessionList(await contextOf(given, terminal), { state, policy, owner, limit, cursor }),
    );
  leaf(session, 'show', 'show the state and the live totals of a session')
    .argument('<id>')
    .action(async (id: string, given: ServiceOptions) => sessionShow(await contextOf(given, terminal), id));
  leaf(session, 'downloads', 'list every exchange of a session, also while it runs')
    .argument('<id>')
    .action(async (id: string, given: ServiceOptions) => sessionDownloads(await contextOf(given, terminal), id));
  leaf(session, 'env', 'print what a shell must set so that builds in it use a session')
    .argument('<id>')
    .option('--token <token>', 'token of the session; the process list shows it, so rather set MILLRACE_SESSION_TOKEN')
    .addOption(new Option('--shell <shell>', 'for this shell').choices(['sh', 'fish', 'powershell', 'json']).default('sh'))
    .addHelpText('after', '\nExample:\n  $ eval "$(millrace session env ID)"')
    .action(async (id: string, { token, shell, ...given }: ServiceOptions & { readonly token?: string; readonly shell: Shell }) =>
      sessionEnvironment(await contextOf(given, terminal), id, { token, shell }),
    );
  leaf(session, 'revoke', 'revoke the token: no request of the session goes upstream any more')
    .argument('<id>')
    .action(async (id: string, given: ServiceOptions) => sessionRevoke(await contextOf(given, terminal), id));
  leaf(session, 'report', 'print the report of a revoked session')
    .argument('<id>')
    .option('-o, --output <file>', 'write it to this file')
    .action(async (id: string, { output, ...given }: ServiceOptions & { readonly output?: string }) =>
      sessionReport(await contextOf(given, terminal), id, output),
    );
  leaf(session, 'end', 'end a session; what was stored for it is deleted unless it was opened with --retain')
    .argument('<id>')
    .action(async (id: string, given: ServiceOptions) => sessionEnd(await contextOf(given, terminal), id));
}
