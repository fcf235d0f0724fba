import type { ComposeEngine } from '../../libs/compose-engine/compose-engine.js';
import type { ComposeNames } from '../../libs/compose-names/compose-names.js';
import type { NameAge } from '../../libs/compose-names/name-ages.js';
import type { ComposeRule } from '../../libs/compose-rules/compose-rule.js';
import type { ComposeCommands, ComposeReads } from '../../libs/compose-record/compose-commands.js';
import type { WebhookReceiver } from '../../libs/event-bus/webhooks/webhook-receiver.js';
import type { MessageBacklog } from '../../libs/messaging/message-backlog.js';
import type { ContentStore } from '../../libs/repository-source/content-store.js';
import type { RuleRecord } from '../../libs/rule-record/create-rule-record.js';
import type { RuleChains } from '../../libs/rule-record/rule-causes.js';
import type { ComposeRuleWorkflowClient } from '../../temporal/compose-rule-workflow-client.js';
import type { RecordedIncomingMessages } from '../../libs/rule-record/incoming-messages.js';
import type { SessionReads } from '../../libs/session-record/create-session-reads.js';
import type { RecordedDownload } from '../../libs/session-record/read-downloads.js';
import type { Page, RecordedSession, RecordedState, SessionFilter } from '../../libs/session-record/read-sessions.js';
import type { SessionCommands } from '../../libs/session-record/session-commands.js';
import type { Access } from './access/open-access.js';
import type { CacheDependencies } from './caches/cache-ports.js';
import type { RepositoryDependencies } from './repositories/repository-ports.js';
import type { EndedSession, RevokedSession, SessionInput } from '../../workflows/session/session-messages.js';

/**
 * What the gateway needs from the rest. `gateway-dependencies.ts` makes these from the libraries; specs may replace one
 * of them to show what the gateway does when its other side fails.
 */

export type { Page, RecordedDownload, RecordedSession, RecordedState, SessionFilter, SessionReads };

/** Messages that the worker delivers to the workflow engine later. */
export interface WorkflowOutbox {
  /** The workflow has been started: its `start` message is not needed any more. */
  startDelivered(sessionId: string): Promise<void>;
  /** The command has run here because the engine was away: the workflow still has to hear of it. */
  leaveRevoke(sessionId: string, by: string): Promise<void>;
  leaveEnd(sessionId: string, by: string): Promise<void>;
}

/** The workflow engine. Every promise rejects with `workflow-engine-unavailable` when the engine, or the workflow in it, does not answer. */
export interface SessionWorkflows {
  start(input: SessionInput): Promise<void>;
  revoke(sessionId: string, by: string): Promise<RevokedSession>;
  end(sessionId: string, by: string): Promise<EndedSession>;
  reachable(): Promise<boolean>;
}

/** The certificate authority that signs for intercepted hosts; public part only. */
export interface AuthorityCertificate {
  pem(): Promise<string>;
  /** Trust stores with the one certificate in them, under the password `changeit` that Java tools expect. */
  pkcs12(): Promise<Buffer>;
  jks(): Promise<Buffer>;
}

export type EnvironmentShell = 'sh' | 'fish' | 'powershell' | 'json';

/** Which variables a build needs so that its tools use the proxy and trust the authority. */
export interface BuildEnvironment {
  /** `caFile`: where the build machine keeps the authority's certificate (PEM); without it, files of the service's own machine. */
  snippet(shell: EnvironmentShell, options: { readonly proxyUrl: string; readonly caFile?: string }): Promise<string>;
}

/** How the workflow of a compose hears of what the gateway recorded. Rejects with `workflow-engine-unavailable`. */
export interface ComposeWorkflows {
  start(composeId: number): Promise<void>;
  /** Lets it look at the record again. */
  changed(composeId: number): Promise<void>;
  /** How often generation was begun. */
  attempts(composeId: number): Promise<number>;
}

export type ComposeTotals = Awaited<ReturnType<ComposeReads['totals']>>;

export interface RecordedComposeEvent {
  /** From 1. */
  readonly position: number;
  readonly type: string;
  readonly data: object;
  /** Lower-case hex SHA-256, of this event and the one before. */
  readonly digest: string;
}

export interface ComposeDependencies {
  readonly commands: ComposeCommands;
  readonly reads: ComposeReads;
  /** Those after a position, in order. */
  events(composeId: number, page: { readonly after: number; readonly limit: number }): Promise<readonly RecordedComposeEvent[]>;
  readonly engine: Pick<ComposeEngine, 'check'>;
  readonly workflows: ComposeWorkflows;
  readonly content: Pick<ContentStore, 'file'>;
  readonly names: ComposeNames;
  /** For metrics; undefined where nobody measures it. */
  readonly nameAges?: () => Promise<readonly NameAge[]>;
  /** How far each sink of messages has got; undefined where nobody measures it. */
  readonly messageBacklog?: () => Promise<readonly MessageBacklog[]>;
}

export interface BusDependencies {
  readonly messages: Pick<RecordedIncomingMessages, 'accept' | 'park' | 'parked' | 'parkedMessage' | 'unpark' | 'totals' | 'after' | 'positionBefore'>;
  /** By the name of the bus. */
  readonly webhooks: ReadonlyMap<string, WebhookReceiver>;
  /** Has a rule look at a message again. Errors: `rule-not-found`, `workflow-engine-unavailable`. */
  replay(rule: string, options: { readonly position: number; readonly by: string }): Promise<void>;
}

export interface RuleDependencies {
  /** Of the settings, by name. */
  readonly rules: ReadonlyMap<string, ComposeRule>;
  readonly record: Pick<RuleRecord, 'list' | 'get' | 'composes'>;
  readonly chains: RuleChains;
  readonly workflows: Pick<ComposeRuleWorkflowClient, 'pause' | 'resume' | 'replay' | 'status'>;
}

export interface GatewayDependencies {
  readonly access: Access;
  readonly commands: SessionCommands;
  readonly reads: SessionReads;
  readonly outbox: WorkflowOutbox;
  readonly workflows: SessionWorkflows;
  readonly authority: AuthorityCertificate;
  readonly buildEnvironment: BuildEnvironment;
  readonly composes: ComposeDependencies;
  readonly buses: BusDependencies;
  readonly rules: RuleDependencies;
  readonly repositories: RepositoryDependencies;
  readonly caches: CacheDependencies;
}
