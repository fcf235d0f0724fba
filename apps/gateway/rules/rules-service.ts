import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { ComposeRequest } from '../../../libs/compose/compose-request.js';
import { readNewCompose } from '../../../libs/compose/request-body/read-new-compose.js';
import type { ComposeRule } from '../../../libs/compose-rules/compose-rule.js';
import { isMillraceError, MillraceError } from '../../../libs/errors/millrace-error.js';
import type { RecordedRule } from '../../../libs/rule-record/create-rule-record.js';
import type { JudgeOptions } from '../../../libs/rule-record/judge-message.js';
import { rulesSchema } from '../../../libs/rule-record/rule-schema.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { composeRuleWorkflowId } from '../../../workflows/compose-rule/compose-rule-messages.js';
import type { BusDependencies, ComposeDependencies, RuleDependencies } from '../gateway-ports.js';
import { BUSES, COMPOSES, LOGGER, RULES, SETTINGS } from '../gateway-tokens.js';
import { parseJsonBody, validate } from '../http/parse-json-body.js';
import { workflowLink } from '../http/workflow-link.js';
import { dryRunOfMessage, dryRunOfMessages } from './dry-run.js';
import { dryRunRequest, replayRequest } from './rule-schemas.js';
import type { DryRunView, RuleDetailView, RuleView } from './rule-schemas.js';

const shownComposes = 20;
const usualHours = 24;

/** Rules as operators see them: from the record, with what their workflows have under way. */
@Injectable()
export class RulesService {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(RULES) private readonly rules: RuleDependencies,
    @Inject(BUSES) private readonly buses: BusDependencies,
    @Inject(COMPOSES) private readonly composes: ComposeDependencies,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async list(): Promise<{ items: RuleView[] }> {
    return { items: (await this.rules.record.list()).map((recorded) => this.present(recorded)) };
  }

  /** Errors: `rule-not-found`. */
  async get(name: string): Promise<RuleDetailView> {
    const recorded = await this.rules.record.get(name);
    const [composes, matters] = await Promise.all([this.rules.record.composes(name, shownComposes), this.matters(recorded)]);
    const settings = this.rules.rules.get(name);
    return {
      ...this.present(recorded),
      matters,
      composes: composes.map((compose) => ({ ...compose, chain: [...compose.chain] })),
      settings: settings === undefined ? null : structuredClone({ ...settings }),
    };
  }

  async pause(name: string, by: string): Promise<RuleDetailView> {
    await this.command(name, () => this.rules.workflows.pause(name, by));
    this.log.info({ rule: name, by }, `the rule ${name} is paused`);
    return this.get(name);
  }

  async resume(name: string, by: string): Promise<RuleDetailView> {
    await this.command(name, () => this.rules.workflows.resume(name, by));
    this.log.info({ rule: name, by }, `the rule ${name} goes on`);
    return this.get(name);
  }

  async replay(name: string, body: unknown, by: string): Promise<RuleDetailView> {
    const { since, position } = validate(replayRequest, parseJsonBody(body));
    await this.command(name, () => this.rules.workflows.replay(name, { by, ...(since === undefined ? {} : { since }), ...(position === undefined ? {} : { position }) }));
    this.log.info({ rule: name, by, since, position }, `the rule ${name} looks at messages again`);
    return this.get(name);
  }

  /** Nothing is asked for. */
  async dryRun(body: unknown): Promise<DryRunView> {
    const { message, hours = usualHours, rules, rule } = validate(dryRunRequest, parseJsonBody(body));
    const chosen = this.chosenRules(rules, rule);
    if (message !== undefined) return dryRunOfMessage(chosen, { ...message, body: message.body ?? null }, this.judge());
    const after = await this.buses.messages.positionBefore(new Date(Date.now() - hours * 3_600_000).toISOString());
    return dryRunOfMessages(chosen, { after, messages: this.buses.messages, judge: this.judge() });
  }

  private chosenRules(candidates: readonly unknown[] | undefined, name: string | undefined): readonly ComposeRule[] {
    const rules = candidates === undefined ? [...this.rules.rules.values()] : validate(rulesSchema, candidates);
    if (name === undefined) return rules;
    const found = rules.filter((rule) => rule.name === name);
    if (found.length === 0) throw new MillraceError('rule-not-found', `there is no rule ${name}`);
    return found;
  }

  private judge(): JudgeOptions {
    const readRequest = (body: unknown): ComposeRequest => {
      const request = readNewCompose(body, this.settings);
      this.composes.engine.check(request);
      return request;
    };
    return { chains: this.rules.chains, readRequest };
  }

  /** A rule that the record has and Temporal has not is started by a worker within a minute. */
  private async command(name: string, work: () => Promise<unknown>): Promise<void> {
    const { retiredAt } = await this.rules.record.get(name);
    if (retiredAt !== null) throw new MillraceError('rule-not-found', `the rule ${name} is retired: no settings have it any more`);
    try {
      await work();
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'rule-not-found') throw error;
      throw new MillraceError('workflow-engine-unavailable', `the workflow of the rule ${name} does not run yet`, { cause: error, suggestion: 'A worker starts it within a minute; try again then.' });
    }
  }

  private async matters({ name, retiredAt }: RecordedRule): Promise<RuleDetailView['matters']> {
    if (retiredAt !== null) return [];
    try {
      return (await this.rules.workflows.status(name)).matters.map((matter) => ({ ...matter }));
    } catch {
      return null; // the rest of the answer is from the record
    }
  }

  private present({ name, position, behind, counts, problem, pausedAt, pausedBy, retiredAt }: RecordedRule): RuleView {
    return {
      name,
      state: retiredAt !== null ? 'retired' : pausedAt !== null ? 'paused' : 'active',
      position,
      behind: retiredAt === null ? behind : 0,
      counts: { ...counts },
      problem,
      pausedAt,
      pausedBy,
      retiredAt,
      links: { self: `/v1/rules/${name}`, workflow: workflowLink(this.settings, composeRuleWorkflowId(name)) },
    };
  }
}
