import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { SessionCommandContext } from './session-command.js';
import { textTable } from './summary-table.js';
import { printable, shorten, type Terminal } from './terminal.js';

/** Keys that are not known here pass through to `--json`. */
const countsSchema = z.looseObject({ matched: z.int(), requested: z.int(), done: z.int(), failed: z.int(), refused: z.int(), parked: z.int(), loops: z.int() });
const ruleSchema = z.looseObject({ name: z.string(), state: z.string(), position: z.int(), behind: z.int(), counts: countsSchema, problem: z.string().nullable(), pausedBy: z.string().nullable(), pausedAt: z.string().nullable() });
const listSchema = z.looseObject({ items: z.array(ruleSchema) });
const matterSchema = z.looseObject({ key: z.string(), state: z.string(), position: z.int(), messages: z.int(), composeId: z.int().nullable() });
const composeSchema = z.looseObject({ composeId: z.int(), key: z.string(), position: z.int(), chain: z.array(z.string()), requestedAt: z.string() });
const detailSchema = z.looseObject({ ...ruleSchema.shape, matters: z.array(matterSchema).nullable(), composes: z.array(composeSchema) });
const sampleSchema = z.looseObject({ kind: z.string(), position: z.int().nullable(), topic: z.string(), key: z.string().nullable(), latest: z.string().nullable(), request: z.looseObject({ sourceType: z.string(), source: z.array(z.string()) }).nullable(), reason: z.string().nullable() });
const dryRunSchema = z.looseObject({ looked: z.int(), complete: z.boolean(), rules: z.array(z.looseObject({ rule: z.string(), matched: z.int(), composes: z.int(), unfit: z.int(), loops: z.int(), samples: z.array(sampleSchema) })) });

type RuleView = z.infer<typeof ruleSchema>;
type RuleDetailView = z.infer<typeof detailSchema>;
type DryRunView = z.infer<typeof dryRunSchema>;

export interface DryRunOptions {
  readonly message?: string | undefined;
  readonly file?: string | undefined;
  readonly hours?: number | undefined;
  readonly rule?: string | undefined;
}

export async function listRules(context: SessionCommandContext): Promise<void> {
  const list = listSchema.parse(await context.client.json({ method: 'GET', path: '/v1/rules' }));
  print(context, list, () => (list.items.length === 0 ? 'No rules.' : ruleTable(list.items)));
}

export async function showRule(context: SessionCommandContext, name: string): Promise<void> {
  showDetail(context, await context.client.json({ method: 'GET', path: place(name) }));
}

export async function tellRule(context: SessionCommandContext, name: string, what: 'pause' | 'resume'): Promise<void> {
  showDetail(context, await context.client.json({ method: 'POST', path: `${place(name)}/${what}` }));
}

export async function replayRule(context: SessionCommandContext, name: string, { since, message }: { readonly since?: string | undefined; readonly message?: number | undefined }): Promise<void> {
  if ((since === undefined) === (message === undefined)) throw new MillraceError('invalid-request', 'a replay is of one message or of all since a time: --message or --since');
  showDetail(context, await context.client.json({ method: 'POST', path: `${place(name)}/replay`, body: since === undefined ? { position: message } : { since } }));
}

/** Without the service. Errors: `invalid-setting` with every mistake. */
export async function checkRules(file: string, { terminal, json }: { readonly terminal: Terminal; readonly json: boolean }): Promise<void> {
  const { buses, rules } = await readRuleFile(file);
  const names = rules.map(({ name }) => name);
  terminal.out(json ? `${JSON.stringify({ file, valid: true, buses: buses.map(({ name }) => name), rules: names })}\n` : `${file} is valid: ${buses.length} buses, ${names.length} rules${names.length === 0 ? '' : ` (${names.join(', ')})`}.\n`);
}

export async function dryRunRules(context: SessionCommandContext, { message, file, hours, rule }: DryRunOptions): Promise<void> {
  const body = {
    ...(message === undefined ? {} : { message: await readJson(message) }),
    ...(hours === undefined ? {} : { hours }),
    ...(file === undefined ? {} : { rules: await rulesOf(file) }),
    ...(rule === undefined ? {} : { rule }),
  };
  const run = dryRunSchema.parse(await context.client.json({ method: 'POST', path: '/v1/rules/dry-run', body }));
  print(context, run, () => dryRunText(run));
}

async function readRuleFile(file: string) {
  // Only here: the schema brings JSONPath and templates with it.
  const [{ readSettingsFile }, { ruleSettingsFile }] = await Promise.all([import('../../libs/settings-file/read-settings-file.js'), import('../../libs/rule-record/rule-settings-file.js')]);
  return readSettingsFile(file, ruleSettingsFile);
}

/** As they are written: the service reads them as it would read its own. */
async function rulesOf(file: string): Promise<readonly unknown[]> {
  await readRuleFile(file);
  const document = parse(await readFile(file, 'utf8'), { maxAliasCount: 0 }) as { readonly rules?: readonly unknown[] };
  return document.rules ?? [];
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (cause) {
    throw new MillraceError('invalid-request', `cannot read ${file}: ${errorMessage(cause)}`, { cause, suggestion: 'A message is {"bus": "…", "topic": "…", "body": …}.' });
  }
}

function place(name: string): string {
  return `/v1/rules/${encodeURIComponent(name)}`;
}

function showDetail(context: SessionCommandContext, answer: unknown): void {
  const rule = detailSchema.parse(answer);
  print(context, rule, () => detailText(rule));
}

function ruleTable(rules: readonly RuleView[]): string {
  const rows = rules.map(({ name, state, behind, counts }) => [printable(name), printable(state), String(behind), String(counts.matched), String(counts.requested), String(counts.failed), String(counts.refused), String(counts.parked), String(counts.loops)]);
  return textTable(['rule', 'state', 'behind', 'matched', 'composes', 'failed', 'refused', 'parked', 'loops'], rows, [2, 3, 4, 5, 6, 7, 8]);
}

function detailText(rule: RuleDetailView): string {
  const matters = rule.matters?.map(({ key, state, position, messages, composeId }) => [cell(key), printable(state), String(messages), String(position), composeId === null ? '' : String(composeId)]);
  const composes = rule.composes.map(({ composeId, key, position, chain, requestedAt }) => [String(composeId), cell(key), String(position), printable(requestedAt), cell(chain.join(' → '))]);
  return [
    ruleTable([rule]),
    ...(rule.pausedAt === null ? [] : [`Paused by ${printable(rule.pausedBy ?? '')} at ${printable(rule.pausedAt)}.`]),
    ...(rule.problem === null ? [] : [`Last problem: ${printable(rule.problem)}`]),
    matters === undefined ? 'The workflow engine does not answer: what is under way is not known.' : matters.length === 0 ? 'Nothing is under way.' : textTable(['key', 'step', 'messages', 'newest', 'compose'], matters, [2, 3, 4]),
    ...(composes.length === 0 ? [] : [textTable(['compose', 'key', 'message', 'asked for', 'rules'], composes, [0, 2])]),
  ].join('\n');
}

function dryRunText({ looked, complete, rules }: DryRunView): string {
  const parts = rules.map(({ rule, matched, composes, unfit, loops, samples }) => {
    const lines = samples.map(({ kind, position, key, request, reason }) => `  ${position === null ? 'message' : `message ${position}`}${key === null ? '' : ` [${cell(key)}]`}: ${request === null ? `${printable(kind)}: ${printable(reason ?? '')}` : `${printable(request.sourceType)} ${shorten(printable(request.source.join(' ')), 100)}`}`);
    return [`${printable(rule)}: ${matched} messages match, which become ${composes} composes; ${unfit} make no request, ${loops} close a loop`, ...lines].join('\n');
  });
  return [`${looked} messages looked at${complete ? '' : '; there are more'}.`, ...parts].join('\n');
}

function cell(text: string): string {
  return shorten(printable(text), 60);
}

function print(context: SessionCommandContext, value: unknown, text: () => string): void {
  context.terminal.out(`${context.json ? JSON.stringify(value) : text()}\n`);
}
