import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';

/**
 * The published contract of a rule's workflow: operators may watch, pause, resume and replay a rule with these messages alone.
 * Workflow type `composeRule`, task queue `composes`, workflow id `compose-rule:<name>`. It is started by the worker for each rule of the settings.
 */
export const composeRuleWorkflowType = 'composeRule';
export const composeRuleWorkflowId = (rule: string): string => `compose-rule:${rule}`;

export interface ComposeRuleInput {
  readonly rule: string;
}

export interface ComposeRuleStatus {
  readonly rule: string;
  readonly paused: boolean;
  /** Of the last message that it has looked at. */
  readonly position: number;
  readonly matters: readonly ComposeMatter[];
  /** Since the rule began: messages that matched, composes asked for, given up by a gate, and parked. */
  readonly counts: { readonly matched: number; readonly requested: number; readonly refused: number; readonly parked: number };
}

/** Messages of one key that become one compose. */
export interface ComposeMatter {
  readonly key: string;
  readonly state: 'waiting' | 'gate-before' | 'composing' | 'gate-after';
  /** Position of the newest message in it. */
  readonly position: number;
  readonly composeId: number | null;
}

export const pauseRuleUpdate = defineUpdate<ComposeRuleStatus, [{ readonly by: string }]>('pauseRule');
export const resumeRuleUpdate = defineUpdate<ComposeRuleStatus, [{ readonly by: string }]>('resumeRule');
/** Looks again at all messages since this time (RFC 3339), or at one (its position). */
export const replayRuleUpdate = defineUpdate<ComposeRuleStatus, [{ readonly by: string; readonly since?: string; readonly position?: number }]>('replayRule');
export const ruleStatusQuery = defineQuery<ComposeRuleStatus>('ruleStatus');
/** There are new messages on its buses. */
export const messagesReceivedSignal = defineSignal('messagesReceived');
/** The settings of the rule have changed. */
export const ruleChangedSignal = defineSignal('ruleChanged');
