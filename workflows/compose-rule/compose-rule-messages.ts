import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { RuleCounts } from '../../libs/compose-rules/rule-counts.js';

/**
 * The published contract of a rule's workflow: operators may watch, pause, resume and replay a rule with these messages alone.
 * Workflow type `composeRule`, task queue `composes`, workflow id `compose-rule:<name>`. It is started by the worker for each rule of the settings.
 */
export const composeRuleWorkflowType = 'composeRule';
export const composeRuleWorkflowId = (rule: string): string => `compose-rule:${rule}`;
/** Waiting for the end of composes has a queue of its own, so that it takes no place of work. */
export const composeWaitTaskQueueOf = (taskQueue: string): string => `${taskQueue}-waits`;

export interface ComposeRuleInput {
  readonly rule: string;
}

export interface ComposeRuleStatus {
  readonly rule: string;
  readonly paused: boolean;
  /** Of the last message that it has looked at. */
  readonly position: number;
  /** Messages that a replay has not looked at again yet. */
  readonly replaying: number;
  readonly matters: readonly ComposeMatter[];
  readonly counts: RuleCounts;
  /** The last that went wrong. */
  readonly problem: string | null;
}

/** Messages of one key that become one compose. */
export interface ComposeMatter {
  readonly key: string;
  readonly state: 'waiting' | MatterStep;
  /** Position of the newest message in it. */
  readonly position: number;
  /** Messages in it. */
  readonly messages: number;
  readonly composeId: number | null;
  /** From 1: composes asked for, when those before failed. */
  readonly attempt: number;
}

export type MatterStep = 'gate-before' | 'composing' | 'gate-after';

export const pauseRuleUpdate = defineUpdate<ComposeRuleStatus, [{ readonly by: string }]>('pauseRule');
export const resumeRuleUpdate = defineUpdate<ComposeRuleStatus, [{ readonly by: string }]>('resumeRule');
/** Looks again at all messages since this time (RFC 3339), or at one (its position). */
export const replayRuleUpdate = defineUpdate<ComposeRuleStatus, [RuleReplay]>('replayRule');
export const ruleStatusQuery = defineQuery<ComposeRuleStatus>('ruleStatus');
/** There are new messages on its buses. */
export const messagesReceivedSignal = defineSignal('messagesReceived');
/** The settings of the rule have changed. */
export const ruleChangedSignal = defineSignal('ruleChanged');
/** The settings have no such rule any more: the workflow completes; composes that it asked for go on. */
export const retireRuleSignal = defineSignal('retireRule');

export interface RuleReplay {
  readonly by: string;
  readonly since?: string;
  readonly position?: number;
}
