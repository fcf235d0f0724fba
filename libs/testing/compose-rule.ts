import type { BusMessage } from '../compose-rules/bus-message.js';
import type { ComposeRule } from '../compose-rules/compose-rule.js';

/** A rule that makes a compose of each tag that changes, for specs. */
export function composeRule(change: Partial<ComposeRule> = {}): ComposeRule {
  return {
    name: 'tags',
    buses: ['koji'],
    topics: ['org.example.koji.tag'],
    when: [],
    key: '{{ message.body.tag }}',
    debounce: { quiet: 10, longest: 60 },
    request: { source: { type: 'tag', source: '{{ message.body.tag }}' } },
    latest: null,
    gateBefore: null,
    gateAfter: null,
    retry: { times: 0, wait: 60 },
    ...change,
  };
}

export function busMessage(body: unknown, change: Partial<BusMessage> = {}): BusMessage {
  return { bus: 'koji', id: 'message', topic: 'org.example.koji.tag', body, ...change };
}
