import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { contextOf, leaf, type ServiceOptions } from './command-options.js';
import { dropParked, listParked, retryParked } from './rule-messages-command.js';
import type { Terminal } from './terminal.js';

interface ParkedOptions extends ServiceOptions {
  readonly limit?: string;
  readonly cursor?: string;
}

/** `millrace rule parked`, `retry` and `drop`. */
export function addRuleMessageCommands(rule: Command, terminal: Terminal): void {
  leaf(rule, 'parked', 'list messages that could not be read, or that a rule could make nothing of; newest first')
    .option('--limit <count>', 'at most so many (1 to 500; 100 unless told)')
    .option('--cursor <cursor>', 'the next page, as the page before names it')
    .action(async ({ limit, cursor, ...given }: ParkedOptions) => listParked(await contextOf(given, terminal), { limit, cursor }));
  leaf(rule, 'retry', 'have parked messages looked at again')
    .argument('<ids...>', 'numbers of parked messages', messageIds)
    .action(async (ids: readonly number[], given: ServiceOptions) => retryParked(await contextOf(given, terminal), ids));
  leaf(rule, 'drop', 'forget parked messages')
    .argument('<ids...>', 'numbers of parked messages', messageIds)
    .action(async (ids: readonly number[], given: ServiceOptions) => dropParked(await contextOf(given, terminal), ids));
}

function messageIds(text: string, before: readonly number[] = []): readonly number[] {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It must be the number of a parked message.');
  return [...before, Number(text)];
}
