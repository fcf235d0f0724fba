import type { Command } from 'commander';
import { contextOf, leaf } from './command-options.js';
import type { ServiceOptions } from './command-options.js';
import { policyCheck, policyValidate } from './policy-command.js';
import { reportFailure } from './report-failure.js';
import type { Terminal } from './terminal.js';
import { policyJsonSchema } from '../../libs/policy/policy-json-schema.js';

/** What `policy check` answers when it could not judge; 1 means that something would be refused. */
const failedCheck = 2;

/** `millrace policy …` */
export function addPolicyCommands(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const policy = program.command('policy').description('validate policy documents, and judge recorded sessions by them');
  leaf(policy, 'check', 'list what strict with this policy document would have refused of a session; nothing is fetched')
    .requiredOption('--session <id>', 'the session, finished or running')
    .requiredOption('--policy <file>', 'the policy document (YAML or JSON)')
    .addHelpText('after', '\nExit code: 0 when all would pass, 1 when something would be refused, 2 when it could not be judged.\n\nExample:\n  $ millrace policy check --session ID --policy policy.yaml')
    .action(async ({ session, policy: file, ...given }: ServiceOptions & { readonly session: string; readonly policy: string }) => {
      try {
        exit(await policyCheck(await contextOf(given, terminal), { session, file }));
      } catch (error) {
        reportFailure(error, terminal, given.json === true);
        exit(failedCheck);
      }
    });
  policy
    .command('validate')
    .description('check a policy document; every mistake is told with its line')
    .argument('<file>')
    .option('--json', 'print one line of JSON')
    .action(async (file: string, { json }: { readonly json?: true }) => policyValidate(file, { terminal, json: json === true }));
  policy
    .command('schema')
    .description('print the JSON Schema of policy documents, for editors')
    .action(() => terminal.out(`${JSON.stringify(policyJsonSchema(), null, 2)}\n`));
}
