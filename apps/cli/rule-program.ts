import type { Command } from 'commander';
import { addRuleMessageCommands } from './rule-messages-program.js';
import type { Terminal } from './terminal.js';

/** `millrace rule …` */
export function addRuleCommands(program: Command, terminal: Terminal): void {
  const rule = program.command('rule').description('see what rules make of the messages of buses');
  addRuleMessageCommands(rule, terminal);
}
