import { policyDocumentSha256 } from '../../libs/policy/record-policy-documents.js';
import { readPolicyFile } from './policy-files.js';
import { checkPolicy } from './session-api.js';
import type { CheckedExchange, PolicyCheck } from './session-api.js';
import type { SessionCommandContext } from './session-command.js';
import { printable, shorten } from './terminal.js';
import type { Terminal } from './terminal.js';

/** `millrace policy check`; answers its exit code. */
export async function policyCheck({ client, terminal, json }: SessionCommandContext, { session, file }: { readonly session: string; readonly file: string }): Promise<number> {
  const check = await checkPolicy(client, session, await readPolicyFile(file));
  terminal.out(json ? `${JSON.stringify(check)}\n` : checkText(check));
  return check.refusedCount > 0 || check.undecidedCount > 0 ? 1 : 0;
}

/** `millrace policy validate`. Errors: `invalid-policy-document` with every mistake. */
export async function policyValidate(file: string, { terminal, json }: { readonly terminal: Terminal; readonly json: boolean }): Promise<void> {
  // Only here: the inspectors bring every parser with them.
  const { inspectedEcosystems } = await import('../../libs/inspectors/index.js');
  const sha256 = policyDocumentSha256(await readPolicyFile(file, inspectedEcosystems()));
  terminal.out(json ? `${JSON.stringify({ file, valid: true, sha256 })}\n` : `${file} is valid (SHA-256 ${sha256}).\n`);
}

function checkText(check: PolicyCheck): string {
  const lines = [
    ...section('The policy document would refuse', check.refused.filter(({ byPolicy }) => byPolicy)),
    ...section('Strict would refuse without any policy document', check.refused.filter(({ byPolicy }) => !byPolicy)),
    ...section('Cannot be told from the record', check.undecided),
    `${check.judged} exchanges judged: ${check.refusedCount} would be refused, ${check.refusedByPolicy} of them by the policy document; ${check.undecidedCount} cannot be told.`,
  ];
  return `${lines.join('\n')}\n`;
}

const shownExamples = 20;

/** By reason, the most frequent first. */
function section(title: string, exchanges: readonly CheckedExchange[]): readonly string[] {
  if (exchanges.length === 0) return [];
  const groups = [...Map.groupBy(exchanges, ({ reason }) => reason)].toSorted(([, one], [, other]) => other.length - one.length);
  return [`${title}: ${exchanges.length}`, ...groups.flatMap(([reason, group]) => [`  ${group.length} × ${shorten(printable(reason), 400)}`, ...examples(group)]), ''];
}

function examples(group: readonly CheckedExchange[]): readonly string[] {
  const shown = group.slice(0, shownExamples).map(({ method, url, name, version }) => `      ${shorten(printable([name, version].filter((part) => part !== '').join(' ')), 60)}${name === '' ? '' : '  '}${shorten(printable(`${method} ${url}`), 120)}`);
  return group.length > shownExamples ? [...shown, `      … and ${group.length - shownExamples} more; --json has them`] : shown;
}
