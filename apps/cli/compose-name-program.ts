import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { composeNameList, composeNameRemove, composeNameRollback, composeNameSet, composeNameShow } from './compose-name-command.js';
import { composeId, contextOf, leaf, type ServiceOptions } from './command-options.js';
import type { Terminal } from './terminal.js';

/** `millrace compose name …` */
export function addComposeNameCommands(compose: Command, terminal: Terminal): void {
  const name = compose.command('name').description('stable names, which point at the newest good compose');
  leaf(name, 'list', 'list names with the composes that they point at')
    .option('--limit <count>', 'at most so many (1 to 500; 100 unless told)', limit)
    .option('--cursor <name>', 'names after this one')
    .action(async ({ limit: most, cursor, ...given }: ServiceOptions & { readonly limit?: string; readonly cursor?: string }) => composeNameList(await contextOf(given, terminal), { limit: most, cursor }));
  leaf(name, 'show', 'show what a name points at, and what it has pointed at')
    .argument('<name>')
    .action(async (given: string, options: ServiceOptions) => composeNameShow(await contextOf(options, terminal), given));
  leaf(name, 'set', 'point a name at a compose that is done')
    .argument('<name>')
    .argument('<id>', 'number of the compose', composeId)
    .option('--force', 'also at a compose that is older than one that the name has had')
    .action(async (given: string, id: number, { force, ...options }: ServiceOptions & { readonly force?: true }) => composeNameSet(await contextOf(options, terminal), given, { composeId: id, force: force === true }));
  leaf(name, 'rollback', 'point a name at the compose before; the newer one is not taken again by itself')
    .argument('<name>')
    .option('--to <id>', 'at this compose, which it has pointed at', composeId)
    .action(async (given: string, { to, ...options }: ServiceOptions & { readonly to?: number }) => composeNameRollback(await contextOf(options, terminal), given, to));
  leaf(name, 'remove', 'remove a name; its compose expires as usual')
    .argument('<name>')
    .action(async (given: string, options: ServiceOptions) => composeNameRemove(await contextOf(options, terminal), given));
}

function limit(text: string): string {
  if (!/^[1-9]\d{0,2}$/.test(text) || Number(text) > 500) throw new InvalidArgumentError('It must be a whole number from 1 to 500.');
  return text;
}
