import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { composeTaskQueue } from '../workflows/compose/compose-messages.js';
import {
  composeRuleWorkflowId,
  composeRuleWorkflowType,
  messagesReceivedSignal,
  pauseRuleUpdate,
  replayRuleUpdate,
  resumeRuleUpdate,
  retireRuleSignal,
  ruleChangedSignal,
  ruleStatusQuery,
} from '../workflows/compose-rule/compose-rule-messages.js';
import { withinDeadline } from './within-deadline.js';
import { asMillraceError } from './workflow-errors.js';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { ComposeRuleStatus, RuleReplay } from '../workflows/compose-rule/compose-rule-messages.js';
import type { ComposeWorkflowClientOptions } from './compose-workflow-client.js';
import type { CallOptions } from './session-workflow-client.js';

/**
 * The messages of a rule's workflow as calls. Errors: `workflow-engine-unavailable`, `rule-not-found` (no such workflow, or one that has completed), and whatever code
 * the activity behind the message failed with. A call that was given up may still take effect.
 */
export interface ComposeRuleWorkflowClient {
  /** Resolves when the workflow is durable. One that runs is fine; one that was terminated or has completed is started again. */
  start(rule: string, options?: CallOptions): Promise<void>;
  /** There are messages that it may mean. */
  poke(rule: string, options?: CallOptions): Promise<void>;
  /** Its settings may have changed. */
  changed(rule: string, options?: CallOptions): Promise<void>;
  /** No settings have it any more. */
  retire(rule: string, options?: CallOptions): Promise<void>;
  pause(rule: string, by: string, options?: CallOptions): Promise<ComposeRuleStatus>;
  resume(rule: string, by: string, options?: CallOptions): Promise<ComposeRuleStatus>;
  replay(rule: string, replay: RuleReplay, options?: CallOptions): Promise<ComposeRuleStatus>;
  status(rule: string, options?: CallOptions): Promise<ComposeRuleStatus>;
}

const defaultDeadline = 3000;

export function createComposeRuleWorkflowClient(client: Client, options: ComposeWorkflowClientOptions = {}): ComposeRuleWorkflowClient {
  const taskQueue = options.taskQueue ?? composeTaskQueue;

  async function call<T>(rule: string, callOptions: CallOptions | undefined, work: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
    const deadline = callOptions?.deadline ?? defaultDeadline;
    const workflowId = composeRuleWorkflowId(rule);
    try {
      return await withinDeadline(deadline, client.withDeadline(Date.now() + deadline, () => work(client.workflow.getHandle(workflowId))));
    } catch (error) {
      throw asMillraceError(error, workflowId, 'rule');
    }
  }

  return {
    start: (rule, callOptions) =>
      call(rule, callOptions, async ({ workflowId }) => {
        await client.workflow.start(composeRuleWorkflowType, {
          workflowId,
          taskQueue,
          args: [{ rule }],
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        });
      }),
    poke: (rule, callOptions) => call(rule, callOptions, (handle) => handle.signal(messagesReceivedSignal)),
    changed: (rule, callOptions) => call(rule, callOptions, (handle) => handle.signal(ruleChangedSignal)),
    retire: (rule, callOptions) => call(rule, callOptions, (handle) => handle.signal(retireRuleSignal)),
    pause: (rule, by, callOptions) => call(rule, callOptions, (handle) => handle.executeUpdate(pauseRuleUpdate, { args: [{ by }] })),
    resume: (rule, by, callOptions) => call(rule, callOptions, (handle) => handle.executeUpdate(resumeRuleUpdate, { args: [{ by }] })),
    replay: (rule, replay, callOptions) => call(rule, callOptions, (handle) => handle.executeUpdate(replayRuleUpdate, { args: [replay] })),
    status: (rule, callOptions) => call(rule, callOptions, (handle) => handle.query(ruleStatusQuery)),
  };
}
