import type { Command } from 'commander';
import { accessCheck, accessExplain, accessWhoAmI } from './access-command.js';
import { contextOf, leaf } from './command-options.js';
import type { ServiceOptions } from './command-options.js';
import type { Terminal } from './terminal.js';

interface ExplainCommandOptions extends ServiceOptions {
  readonly user: string;
  readonly group?: readonly string[];
  readonly file?: string;
}

/** `millrace access …` */
export function addAccessCommands(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const access = program.command('access').description('show who you are to the service, check access files, and explain what they decide');
  leaf(access, 'whoami', 'show your name, groups, roles and quota as the service sees them').action(async (given: ServiceOptions) => accessWhoAmI(await contextOf(given, terminal)));
  access
    .command('check')
    .description('check an access file (MILLRACE_ACCESS); every mistake is told with its place, and what is hardly meant; asks no service')
    .argument('<file>')
    .option('--json', 'print one line of JSON')
    .action(async (file: string, { json }: { readonly json?: true }) => accessCheck(file, { terminal, json: json === true }));
  leaf(access, 'explain', 'tell whether somebody may ask for a compose, and by which entry of the access file; nothing is made')
    .requiredOption('--user <name>', 'who would ask')
    .option('--group <name>', 'a group of theirs (repeat it)', (value: string, before: readonly string[] = []) => [...before, value])
    .option('--file <file>', 'judge by this access file instead of the one in force')
    .argument('<request>', 'file with the JSON that a client would post to /api/1/composes/')
    .addHelpText('after', '\nExit code: 0 when it would be allowed, 1 when it would be refused.\n\nExample:\n  $ millrace access explain --user ann --group packagers --file access.yaml request.json')
    .action(async (request: string, { user, group = [], file, ...given }: ExplainCommandOptions) => exit(await accessExplain(await contextOf(given, terminal), { user, groups: group, file, request })));
}
