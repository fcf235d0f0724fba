import { readInspectorsConfiguration, readPolicyFile } from './policy-files.js';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { SessionPolicy } from '../../libs/policy/session-policy.js';
import { ControlClient } from './control-client.js';
import { locateService } from './service-address.js';
import type { NewSession } from './session-api.js';
import type { SessionCommandContext } from './session-command.js';
import type { Terminal } from './terminal.js';

/** Options that every command takes. */
export interface ServiceOptions {
  readonly server?: string;
  readonly json?: true;
}

/** What a session is opened with. */
export interface NewSessionOptions {
  readonly policy?: SessionPolicy;
  readonly timeout?: number;
  readonly retain?: true;
  readonly policyFile?: string;
  readonly inspectorsConfiguration?: string;
}

/** A command that speaks to the service. */
export function leaf(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).option('--server <url>', 'control API of the service').option('--json', 'print one line of JSON');
}

export function withSessionOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--policy <policy>', 'strict withholds what is not approved; permissive records it').choices(['strict', 'permissive']).default('strict'),
    )
    .option('--timeout <seconds>', 'let the session expire so long after its opening', seconds)
    .option('--policy-file <file>', 'policy document of the session (YAML or JSON): allow, deny, pins, cooldown and more')
    .option('--inspectors-configuration <file>', 'configuration of inspectors for the session (YAML or JSON), as fetch-service has it')
    .option('--retain', 'keep the record when the session ends or expires');
}

/** Reads the files that the options name, so that a mistake in one shows before a session is opened. */
export async function newSession(given: NewSessionOptions): Promise<NewSession> {
  const { policy = 'strict', timeout, retain, policyFile, inspectorsConfiguration } = given;
  return {
    ...(policyFile === undefined ? {} : { 'policy-document': await readPolicyFile(policyFile) }),
    ...(inspectorsConfiguration === undefined ? {} : { 'inspectors-configuration': await readInspectorsConfiguration(inspectorsConfiguration) }),
    policy, ...(timeout === undefined ? {} : { timeout }), ...(retain === undefined ? {} : { retain }) };
}

export async function contextOf(given: ServiceOptions, terminal: Terminal): Promise<SessionCommandContext> {
  return { client: new ControlClient(await locateService(given.server, terminal.environment)), terminal, json: given.json === true };
}

export function seconds(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of seconds.');
  return Number(text);
}

export function composeId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It must be the number of a compose.');
  return Number(text);
}
