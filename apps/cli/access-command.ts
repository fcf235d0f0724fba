import { readFile } from 'node:fs/promises';
import { accessAdvice } from '../../libs/access/access-advice.js';
import { accessSettingsFile } from '../../libs/access/access-settings.js';
import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { parseSettingsFile } from '../../libs/settings-file/read-settings-file.js';
import { explainAccess, whoAmI } from './access-api.js';
import type { AccessExplanation, WhoAmI } from './access-api.js';
import type { SessionCommandContext } from './session-command.js';
import { printable, readableSize, shorten } from './terminal.js';
import type { Terminal } from './terminal.js';

/** `millrace access whoami` */
export async function accessWhoAmI({ client, terminal, json }: SessionCommandContext): Promise<void> {
  const who = await whoAmI(client);
  terminal.out(json ? `${JSON.stringify(who)}\n` : whoText(who));
}

/** `millrace access check`; asks no service. Errors: `invalid-setting` with every mistake. */
export async function accessCheck(file: string, { terminal, json }: { readonly terminal: Terminal; readonly json: boolean }): Promise<void> {
  const advice = accessAdvice(parseSettingsFile(await textOf(file), file, accessSettingsFile));
  if (json) return terminal.out(`${JSON.stringify({ file, valid: true, advice })}\n`);
  terminal.out([`${file} is valid.`, ...advice.map((each) => `Is this meant? ${printable(each)}.`), ''].join('\n'));
}

export interface ExplainOptions {
  readonly user: string;
  readonly groups: readonly string[];
  /** Another access file than the one in force. */
  readonly file: string | undefined;
  /** The body of `POST /api/1/composes/`. */
  readonly request: string;
}

/** `millrace access explain`; answers its exit code. */
export async function accessExplain({ client, terminal, json }: SessionCommandContext, { user, groups, file, request }: ExplainOptions): Promise<number> {
  const question = { user, groups, request: objectOf(await textOf(request), request), ...(file === undefined ? {} : { document: await textOf(file) }) };
  const explanation = await explainAccess(client, question);
  terminal.out(json ? `${JSON.stringify(explanation)}\n` : explanationText(explanation));
  return explanation.allowed ? 0 : 1;
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('invalid-request', `cannot read ${file}: ${errorMessage(cause)}`, { cause });
  }
}

function objectOf(text: string, file: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below, as of any other text.
  }
  throw new MillraceError('invalid-request', `${file} does not hold a JSON object`, { suggestion: 'It holds what a client posts to /api/1/composes/.' });
}

function whoText({ name, groups, by, scopes, roles, quota, use }: WhoAmI): string {
  const lines = [
    `${printable(name)}, ${proofs[by] ?? `by ${printable(by)}`}`,
    `groups: ${listText(groups)}`,
    ...(scopes === null ? [] : [`scopes: ${listText(scopes)}`]),
    ...rolesText(roles),
    ...quotaText(quota, use),
  ];
  return `${lines.join('\n')}\n`;
}

const proofs: Readonly<Record<string, string>> = {
  none: 'who showed no credentials',
  control: 'by the control credentials',
  bearer: 'by a token',
  certificate: 'by a client certificate',
  kerberos: 'by Kerberos',
  'front-end': 'by word of the front end',
};

function explanationText({ allowed, reason, client, entries, roles, quota, use }: AccessExplanation): string {
  const verdicts = entries.map(({ entry, refusals }) => `  ${printable(entry)}: ${refusals.length === 0 ? 'allows it' : `does not list ${refusals.map(({ attribute, value }) => `${attribute} ${shorten(printable(value), 80) || '(none)'}`).join(', ')}`}`);
  const lines = [
    allowed ? 'Allowed.' : `Refused: ${shorten(printable(reason ?? ''), 2000)}`,
    `client by: ${client === null ? 'nothing in the access file' : printable(client)}`,
    ...(verdicts.length === 0 ? [] : ['entries:', ...verdicts]),
    ...rolesText(roles),
    ...quotaText(quota, use),
  ];
  return `${lines.join('\n')}\n`;
}

function rolesText(roles: WhoAmI['roles']): readonly string[] {
  const held = Object.entries(roles).filter(([, each]) => each.length > 0);
  return [`roles: ${held.length === 0 ? 'none' : held.map(([capability, each]) => `${capability} (${each.join(', ')})`).join('; ')}`];
}

function quotaText({ composes, bytes, secondsToLive }: WhoAmI['quota'], use: WhoAmI['use']): readonly string[] {
  return [
    `composes at once: ${use.composes}${composes === null ? '' : ` of ${composes}`}`,
    `kept: ${readableSize(use.bytes)}${bytes === null ? '' : ` of ${readableSize(bytes)}`}`,
    ...(secondsToLive === null ? [] : [`longest life: ${secondsToLive} s`]),
  ];
}

function listText(names: readonly string[]): string {
  return names.length === 0 ? 'none' : shorten(printable(names.join(', ')), 2000);
}
