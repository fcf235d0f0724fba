import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { contextOf, leaf, type ServiceOptions } from './command-options.js';
import { checkRules, dryRunRules, listRules, replayRule, showRule, tellRule, type DryRunOptions } from './rule-command.js';
import { addRuleMessageCommands } from './rule-messages-program.js';
import type { Terminal } from './terminal.js';

/** `millrace rule …` */
export function addRuleCommands(program: Command, terminal: Terminal): void {
  const rule = program.command('rule').description('see what rules make of the messages of buses');
  leaf(rule, 'list', 'list rules, and what came of their messages').action(async (given: ServiceOptions) => listRules(await contextOf(given, terminal)));
  leaf(rule, 'show', 'show a rule: what it has under way, its last composes, the last that went wrong')
    .argument('<name>')
    .action(async (name: string, given: ServiceOptions) => showRule(await contextOf(given, terminal), name));
  rule
    .command('check')
    .description('check a file of buses and rules; every mistake is told with its place')
    .argument('<file>')
    .option('--json', 'print one line of JSON')
    .action(async (file: string, { json }: { readonly json?: true }) => checkRules(file, { terminal, json: json === true }));
  leaf(rule, 'dry-run', 'show what rules would make of messages; nothing is asked for')
    .option('--message <file>', 'of this message: JSON with bus, topic and body')
    .option('--hours <count>', 'of the messages of so many hours (24 unless told)', hours)
    .option('--file <file>', 'with the rules of this file, not those of the service')
    .option('--rule <name>', 'with this rule only')
    .addHelpText('after', '\nExamples:\n  $ millrace rule dry-run --file rules.yaml --hours 48\n  $ millrace rule dry-run --message message.json --json')
    .action(async ({ message, file, hours: last, rule: name, ...given }: ServiceOptions & DryRunOptions) => dryRunRules(await contextOf(given, terminal), { message, file, hours: last, rule: name }));
  for (const [what, description] of [['pause', 'let a rule rest; its composes under way go on'], ['resume', 'let a rule go on with what came meanwhile']] as const) {
    leaf(rule, what, description)
      .argument('<name>')
      .action(async (name: string, given: ServiceOptions) => tellRule(await contextOf(given, terminal), name, what));
  }
  leaf(rule, 'replay', 'have a rule look again at one message, or at all since a time')
    .argument('<name>')
    .option('--message <position>', 'position of the message', position)
    .option('--since <time>', 'such as 2026-01-31T12:00:00Z')
    .action(async (name: string, { message, since, ...given }: ServiceOptions & { readonly message?: number; readonly since?: string }) => replayRule(await contextOf(given, terminal), name, { message, since }));
  addRuleMessageCommands(rule, terminal);
}

function position(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It must be the position of a message.');
  return Number(text);
}

function hours(text: string): number {
  const number = Number(text);
  if (!/^\d{1,4}(\.\d{1,3})?$/.test(text) || number <= 0 || number > 8760) throw new InvalidArgumentError('It must be a number of hours, up to 8760.');
  return number;
}
