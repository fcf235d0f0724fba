/** A rule of the settings, checked: which messages make which compose. Its schema is `rule-schema.ts`; docs/reference/compose-rules.md lists every key. */
export interface ComposeRule {
  /** Workflow id `compose-rule:<name>`; owner of its composes `rule:<name>`. */
  readonly name: string;
  readonly buses: readonly string[];
  /** Topics with `*` (one word) and `#` (any number), as AMQP has them. */
  readonly topics: readonly string[];
  /** All must hold. */
  readonly when: readonly RuleCondition[];
  /** Template of a key: messages with equal keys are one matter. `''`: all of them. */
  readonly key: string;
  /** Seconds of silence that a matter needs before it is composed, and the longest that it waits for them. */
  readonly debounce: { readonly quiet: number; readonly longest: number };
  /** Body of `POST /api/1/composes/`, with templates in its texts. */
  readonly request: Readonly<Record<string, unknown>>;
  /** Template of the stable name that points at the newest good compose; null: none. */
  readonly latest: string | null;
  /** Asked before a compose is requested, and before the name points at it. */
  readonly gateBefore: GateSettings | null;
  readonly gateAfter: GateSettings | null;
  /** How often a compose that failed is asked for again, and after how many seconds. */
  readonly retry: { readonly times: number; readonly wait: number };
}

export interface RuleCondition {
  /** JSONPath (RFC 9535) into the body. */
  readonly path: string;
  /** One of these texts, numbers or truth values (of any node found), or a regular expression (RE2) over whole texts, or whether there is any node. */
  readonly equals?: readonly unknown[];
  readonly matches?: string;
  readonly exists?: boolean;
}

/** A decision of Greenwave, or of whatever answers as it does: `POST <url>/api/v1.0/decision`. Texts may be templates. */
export interface GateSettings {
  readonly url: string;
  readonly productVersion: string;
  readonly decisionContext: string;
  readonly subjectType: string;
  readonly subjectIdentifier: string;
  /** Seconds that a gate may stay closed before the matter is given up. */
  readonly patience: number;
}

/** What the templates of a rule made of a message. Errors of making it: `invalid-request`; such a message is parked for the rule. */
export interface RuleMatch {
  readonly key: string;
  readonly latest: string | null;
  readonly request: Readonly<Record<string, unknown>>;
  readonly gateBefore: GateSettings | null;
}
