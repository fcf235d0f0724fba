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

  /** The totals changed. A signal that comes after the revocation is the last one, so it is not held back. */
  noteTraffic(): void {
    this.#stale = true;
    if (this.status().state === 'revoked') this.publish();
    else this.publishWhenDue();
  }

  publishWhenDue(): void {
    if (Date.now() >= this.dueAt) this.publish();
  }

  /** Workflow time in milliseconds at which something has to be published; infinite when nothing changed. */
  get dueAt(): number {
    return this.#stale ? this.#publishedAt + trafficInterval : Infinity;
  }
}
