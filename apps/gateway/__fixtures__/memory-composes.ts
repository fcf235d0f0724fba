import { EventEmitter, once } from 'node:events';
import { composeStates, sourceTypes } from '../../../libs/compose/compose-vocabulary.js';
import type { ComposeState } from '../../../libs/compose/compose-vocabulary.js';
import type { Compose } from '../../../libs/compose/compose.js';
import type { ComposeCommands, ComposeReads } from '../../../libs/compose-record/compose-commands.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { ComposeDependencies, RecordedComposeEvent } from '../gateway-ports.js';
import { MemoryNames } from './memory-names.js';

/** Composes in memory, for specs of what the gateway itself does with HTTP. */
export class MemoryComposes {
  readonly held = new Map<number, Compose>();
  readonly told: string[] = [];
  readonly keys = new Map<string, number>();
  readonly changes = new EventEmitter().setMaxListeners(0);
  readonly names = new MemoryNames(this.held);

  /** Writes a change as the record does: another version, and whoever waits hears of it. */
  set(id: number, change: Partial<Compose>): Compose {
    const compose = { ...this.need(id), ...change, version: this.need(id).version + 1 };
    this.held.set(id, compose);
    this.changes.emit('changed');
    return compose;
  }

  enter(state: ComposeState): number {
    return [...this.held.values()].filter((compose) => compose.state === state).length;
  }

  readonly commands: Pick<ComposeCommands, 'request' | 'cancel' | 'remove' | 'renew'> = {
    request: async (request, { owner, idempotencyKey }) => {
      const before = idempotencyKey === undefined ? undefined : this.keys.get(idempotencyKey);
      if (before !== undefined) return { compose: this.need(before), repeated: true };
      const id = this.held.size + 1;
      const now = new Date();
      const expiresAt = new Date(now.getTime() + request.secondsToLive * 1000).toISOString();
      const times = { submittedAt: now.toISOString(), startedAt: null, doneAt: null, expiresAt, removedAt: null };
      this.held.set(id, { id, owner, request, state: 'wait', stateReason: null, ...times, removedBy: null, reusedId: null, kojiEvent: request.kojiEvent, pungiComposeId: null, plan: null, queuePosition: 1, version: 1 });
      if (idempotencyKey !== undefined) this.keys.set(idempotencyKey, id);
      return { compose: this.need(id), repeated: false };
    },
    cancel: async (id, by) => this.move(id, ['wait', 'generating'], { state: 'failed', stateReason: `Canceled by ${by}`, queuePosition: null }),
    remove: async (id, by) => this.move(id, ['done', 'failed'], { removedBy: by, expiresAt: new Date().toISOString() }),
    renew: async (id, change, { owner }) => {
      const compose = this.move(id, ['done', 'failed', 'removed'], {});
      if (compose.state === 'done' && change.sigkeys === undefined && change.builds === undefined) return this.set(id, { expiresAt: new Date(Date.now() + (change.secondsToLive ?? 86_400) * 1000).toISOString() });
      return (await this.commands.request({ ...compose.request, ...(change.sigkeys === undefined ? {} : { sigkeys: change.sigkeys }) }, { owner })).compose;
    },
  };

  readonly reads: ComposeReads = {
    get: async (id) => this.held.get(id),
    list: async ({ filters, offset, limit, descending, beforeId }) => {
      const all = [...this.held.values()].filter((compose) => matches(compose, filters) && (beforeId === undefined || compose.id < beforeId));
      if (descending) all.reverse();
      return { composes: all.slice(offset, offset + limit), total: all.length };
    },
    use: async (owner) => ({ composes: [...this.held.values()].filter((compose) => compose.owner === owner && (compose.state === 'wait' || compose.state === 'generating')).length, bytes: 0 }),
    totals: async () => Object.keys(composeStates).map((state) => ({ sourceType: 'repo', state: state as ComposeState, count: this.enter(state as ComposeState) })),
    changed: async (id, { version, milliseconds, signal }) => {
      const over = AbortSignal.any([AbortSignal.timeout(milliseconds), ...(signal === undefined ? [] : [signal])]);
      while (this.need(id).version === version && !over.aborted) await once(this.changes, 'changed', { signal: over }).catch(() => undefined);
    },
  };

  dependencies(): ComposeDependencies {
    return {
      commands: this.commands as ComposeCommands,
      reads: this.reads,
      names: this.names,
      events: async (id, { after, limit }) => eventsOf(this.need(id)).slice(after, after + limit),
      engine: { check: () => undefined },
      workflows: { start: async (id) => void this.told.push(`start ${id}`), changed: async (id) => void this.told.push(`changed ${id}`), attempts: async () => 1 },
      content: { file: () => '/nowhere' },
    };
  }

  private need(id: number): Compose {
    const compose = this.held.get(id);
    if (compose === undefined) throw new MillraceError('compose-not-found', 'no such compose');
    return compose;
  }

  private move(id: number, from: readonly ComposeState[], change: Partial<Compose>): Compose {
    const { state } = this.need(id);
    if (!from.includes(state)) throw new MillraceError('compose-closed', `compose ${id} is ${state}`);
    return this.set(id, change);
  }
}

function matches(compose: Compose, filters: Readonly<Record<string, string | number | undefined>>): boolean {
  const values: Readonly<Record<string, readonly (string | number | null)[]>> = {
    owner: [compose.owner],
    source: [compose.request.source.join(' ')],
    state: [compose.state, composeStates[compose.state]],
    source_type: [compose.request.sourceType, sourceTypes[compose.request.sourceType]],
    label: [compose.request.label],
  };
  return Object.entries(filters).every(([name, value]) => value === undefined || (values[name] ?? []).includes(value));
}

function eventsOf(compose: Compose): readonly RecordedComposeEvent[] {
  return Array.from({ length: compose.version }, (_, index) => ({ position: index + 1, type: index === 0 ? 'ComposeRequested' : 'Changed', data: { composeId: compose.id }, digest: 'a'.repeat(64) }));
}
