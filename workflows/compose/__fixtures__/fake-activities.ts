import { Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { ComposeActivities, ComposeView, GenerationActivities } from '../compose-activities.js';

type Changes = Partial<Omit<ComposeView, 'version'>>;

export interface FakeRecord {
  readonly activities: ComposeActivities;
  readonly generation: GenerationActivities;
  /** Names of the activities, in the order in which they began. */
  readonly calls: string[];
  /** When the last activity of this name began; milliseconds of the server's clock. It goes on jumping when a workflow has completed. */
  timeOf(call: string): number;
  view(composeId: number): ComposeView;
  /** As another process would: without a word to the workflow. */
  change(composeId: number, changes: Changes): ComposeView;
  /** Milliseconds of the server's clock. */
  now(): Promise<number>;
}

export interface FakeBehaviour {
  /** Runs before an activity answers; may throw. `name` of the activity, or of generations `generate 1`, `generate 2` …. */
  readonly before?: (call: string, composeId: number) => Promise<void>;
  /** What claims of a follower answer, in turn; `reuse` after the last. A leader has none and generates. */
  readonly claims?: readonly ('generate' | 'follow' | 'reuse')[];
  readonly secondsToLive?: number;
  /** So many times the record's clock is behind. */
  readonly early?: number;
}

/** Composes without a record; times come from the server's clock, which jumps. A generation is done at once unless `before` waits. */
export function fakeRecord(environment: TestWorkflowEnvironment, behaviour: FakeBehaviour = {}): FakeRecord {
  const { before = () => Promise.resolve(), secondsToLive = 3600 } = behaviour;
  const calls: string[] = [];
  const times = new Map<string, number>();
  let early = behaviour.early ?? 0;
  const views = new Map<number, ComposeView>();
  const claims = [...(behaviour.claims ?? [])];
  const nextClaim = (): 'generate' | 'follow' | 'reuse' => claims.shift() ?? 'reuse';
  let generations = 0;
  const now = (): Promise<number> => environment.currentTimeMs();
  const view = (id: number): ComposeView => views.get(id) ?? { state: 'wait', reason: null, owner: 'builder', expiresAt: '2999-01-01T00:00:00.000Z', reusedId: null, version: 1 };
  const change = (id: number, changes: Changes): ComposeView => {
    const next = { ...view(id), ...changes, version: view(id).version + 1 };
    views.set(id, next);
    return next;
  };
  const later = async (seconds: number): Promise<string> => new Date((await now()) + seconds * 1000).toISOString();
  const open = (id: number): boolean => ['wait', 'generating'].includes(view(id).state);
  const end = async (id: number, changes: Changes): Promise<ComposeView> => (open(id) ? change(id, { ...changes, expiresAt: await later(secondsToLive) }) : view(id));
  async function performed<T>(call: string, composeId: number, answer: () => Promise<T>): Promise<T> {
    calls.push(call);
    times.set(call, await now());
    await before(call, composeId);
    return answer();
  }
  return {
    calls,
    timeOf: (call) => times.get(call) ?? NaN,
    view,
    change,
    now,
    activities: {
      lookAtCompose: (id) => performed('look', id, async () => ({ view: view(id), generationSeconds: 3600 })),
      claimComposeTree: (id) =>
        performed('claim', id, async () => {
          const kind = nextClaim();
          return { kind, view: kind === 'reuse' ? await end(id, { state: 'done', reusedId: 7 }) : view(id) };
        }),
      failCompose: (id, { reason, final }) => performed(`fail${final ? ' for good' : ''}`, id, () => end(id, { state: 'failed', reason })),
      cancelCompose: (id, by) => performed(`cancel ${by}`, id, () => end(id, { state: 'failed', reason: `Canceled by ${by}` })),
      renewCompose: (id, { by, secondsToLive: more }) => performed(`renew ${by}`, id, async () => change(id, { expiresAt: await later(more ?? secondsToLive) })),
      removeCompose: (id, by) => performed(`remove ${by}`, id, async () => change(id, { expiresAt: await later(0) })),
      expireCompose: (id) => performed('expire', id, async () => (early-- <= 0 && Date.parse(view(id).expiresAt) <= (await now()) ? change(id, { state: 'removed' }) : view(id))),
      tellFollowers: (id) => performed('tell followers', id, async () => 0),
      releaseTrees: () => performed('release trees', 0, async () => 1),
    },
    generation: {
      generateCompose: (id) => {
        generations += 1;
        return performed(`generate ${generations}`, id, async () => {
          if (open(id)) change(id, { state: 'generating' });
          if (behaviour.claims === undefined) return { kind: 'ended', view: await end(id, { state: 'done' }) };
          const kind = nextClaim();
          if (kind === 'follow') return { kind: 'following', view: change(id, { reusedId: 7 }) };
          return { kind: 'ended', view: await end(id, { state: 'done', reusedId: kind === 'reuse' ? 7 : null }) };
        });
      },
    },
  };
}

/** In an activity: says nothing until nobody listens any more. */
export async function silence(): Promise<never> {
  return Context.current().cancelled;
}

/** In an activity: beats until it is told to stop. */
export async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const heartbeat = setInterval(() => context.heartbeat(), 50);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(heartbeat);
  }
}
