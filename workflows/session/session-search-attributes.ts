import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import type { SessionStatus } from './session-messages.js';

/** What operators filter sessions by in the Temporal UI. `temporal/search-attributes.ts` registers them in a namespace. */
export const sessionSearchAttributes = {
  state: defineSearchAttributeKey('MillraceState', SearchAttributeType.KEYWORD),
  policy: defineSearchAttributeKey('MillracePolicy', SearchAttributeType.KEYWORD),
  owner: defineSearchAttributeKey('MillraceOwner', SearchAttributeType.KEYWORD),
  downloads: defineSearchAttributeKey('MillraceDownloads', SearchAttributeType.INT),
  violations: defineSearchAttributeKey('MillraceViolations', SearchAttributeType.INT),
  bytes: defineSearchAttributeKey('MillraceBytes', SearchAttributeType.INT),
};

/** Each upsert is an event of the history, so traffic alone writes one at most this often. Milliseconds. */
const trafficInterval = 30_000;

/** Keeps the search attributes level with the status: at once when the state changed, now and then while traffic flows. */
export class SearchAttributePublisher {
  #publishedAt = 0;
  #stale = false;

  constructor(private readonly status: () => SessionStatus) {}

  publish(): void {
    const { state, policy, owner, downloads, violations, bytes } = this.status();
    const pairs: SearchAttributeUpdatePair[] = [
      { key: sessionSearchAttributes.state, value: state },
      { key: sessionSearchAttributes.policy, value: policy },
      { key: sessionSearchAttributes.owner, value: owner },
      { key: sessionSearchAttributes.downloads, value: downloads },
      { key: sessionSearchAttributes.violations, value: violations },
      { key: sessionSearchAttributes.bytes, value: bytes },
    ];
    upsertSearchAttributes(pairs);
    this.#publishedAt = Date.now();
    this.#stale = false;
  }

  /** The totals changed; the workflow's loop publishes them when `dueAt` has come, once for all signals of one workflow task. */
  noteTraffic(): void {
    this.#stale = true;
  }

  publishWhenDue(): void {
    if (Date.now() >= this.dueAt) this.publish();
  }

  /**
   * Workflow time in milliseconds at which something has to be published; infinite when nothing changed. What comes after the
   * revocation is the last of it and is not held back.
   */
  get dueAt(): number {
    if (!this.#stale) return Infinity;
    return this.status().state === 'revoked' ? 0 : this.#publishedAt + trafficInterval;
  }
}
