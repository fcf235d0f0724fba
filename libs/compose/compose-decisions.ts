import { MillraceError } from '../errors/millrace-error.js';
import type { PinnedInputs } from './compose-plan.js';
import type { ComposeRequest } from './compose-request.js';
import type { ComposeEvent } from './compose-events.js';
import type { ComposeLife, RecordedCompose } from './compose-life.js';

/** `now` is RFC 3339 in UTC with milliseconds, everywhere. */
export type ComposeCommand =
  | { readonly type: 'RequestCompose'; readonly composeId: number; readonly owner: string; readonly request: ComposeRequest; readonly now: string }
  | { readonly type: 'BeginGeneration'; readonly now: string }
  | { readonly type: 'PinSources'; readonly inputs: PinnedInputs }
  | { readonly type: 'UnpinSources'; readonly reason: string }
  | { readonly type: 'ClaimTree'; readonly inputsDigest: string }
  | { readonly type: 'FollowCompose'; readonly leader: number }
  | { readonly type: 'ReuseCompose'; readonly reused: Pick<RecordedCompose, 'id' | 'pungiComposeId' | 'plan'>; readonly now: string }
  | { readonly type: 'CompleteCompose'; readonly tree: { readonly plan: string; readonly packages: number; readonly bytes: number; readonly pungiComposeId: string }; readonly now: string }
  | { readonly type: 'FailCompose'; readonly reason: string; readonly final: boolean; readonly leader?: number | null; readonly now: string }
  | { readonly type: 'CancelCompose'; readonly by: string; readonly now: string }
  | { readonly type: 'ExtendCompose'; readonly until: string; readonly by: string; readonly renewedId: number; readonly now: string }
  | { readonly type: 'NameCompose'; readonly name: string; readonly keepSeconds: number; readonly now: string }
  | { readonly type: 'UnnameCompose'; readonly name: string; readonly keepSeconds: number; readonly now: string }
  | { readonly type: 'RemoveCompose'; readonly by: string; readonly now: string }
  | { readonly type: 'ExpireCompose'; /** How much longer it lives each time that it is due and has a name. */ readonly keepSeconds: number; readonly now: string }
  | { readonly type: 'ReleaseTree'; readonly now: string }
  | { readonly type: 'ForgetTree'; readonly now: string };

/**
 * What a command makes of a compose; no event when it has been carried out already, so that every command can be repeated.
 * Errors: `compose-not-found`, `compose-closed` (its state does not allow it), `resources-in-use` (a name points at it).
 */
export function decide(command: ComposeCommand, life: ComposeLife): readonly ComposeEvent[] {
  if (command.type === 'RequestCompose') return decideRequest(command, life);
  const { compose } = life;
  if (compose === null) throw new MillraceError('compose-not-found', 'No such compose found.');
  switch (command.type) {
    case 'BeginGeneration':
      if (compose.state === 'generating') return [];
      if (compose.state !== 'wait') throw closed(compose, 'cannot be generated');
      return [{ type: 'GenerationStarted', data: { startedAt: command.now } }];
    case 'PinSources':
      requireGenerating(compose);
      return life.inputs === null ? [{ type: 'SourcesPinned', data: { inputs: command.inputs } }] : [];
    case 'UnpinSources':
      requireGenerating(compose);
      return life.inputs === null ? [] : [{ type: 'SourcesUnpinned', data: { reason: command.reason } }];
    case 'ClaimTree':
      requireGenerating(compose);
      return [{ type: 'TreeClaimed', data: { inputsDigest: command.inputsDigest } }];
    case 'FollowCompose':
      requireGenerating(compose);
      return life.promises === command.leader ? [] : [{ type: 'ComposeFollowing', data: { leader: command.leader } }];
    case 'ReuseCompose':
      requireGenerating(compose);
      return [reuse(compose, command)];
    case 'CompleteCompose':
      return decideComplete(command, life, compose);
    case 'FailCompose':
      return decideFail(command, compose);
    case 'CancelCompose':
      if (life.cancelledBy !== null && compose.state === 'failed') return [];
      if (compose.state !== 'wait' && compose.state !== 'generating') throw closed(compose, 'can not be canceled');
      return [{ type: 'ComposeCancelled', data: { cancelledAt: command.now, expiresAt: after(command.now, compose.request.secondsToLive), by: command.by } }];
    case 'ExtendCompose':
      return decideExtend(command, compose);
    case 'NameCompose':
      return decideName(command, life, compose);
    case 'UnnameCompose':
      if (!life.names.includes(command.name)) return [];
      return [{ type: 'ComposeUnnamed', data: { name: command.name, unnamedAt: command.now } }, ...keepFor(command, compose)];
    case 'RemoveCompose':
      return decideRemove(command, life, compose);
    case 'ExpireCompose':
      return decideExpire(command, life, compose);
    case 'ReleaseTree':
      return life.tree === null || life.tree.state === 'releasing' ? [] : [{ type: 'TreeReleased', data: { releasedAt: command.now } }];
    case 'ForgetTree':
      return life.tree?.state === 'releasing' ? [{ type: 'TreeForgotten', data: { forgottenAt: command.now } }] : [];
  }
}

type Of<Type extends ComposeCommand['type']> = Extract<ComposeCommand, { type: Type }>;

function decideRequest(command: Of<'RequestCompose'>, life: ComposeLife): readonly ComposeEvent[] {
  const { composeId, owner, request, now } = command;
  if (life.compose !== null) throw new MillraceError('internal', `there is a compose ${composeId} already`);
  if (!Number.isSafeInteger(request.secondsToLive) || request.secondsToLive <= 0) throw new MillraceError('invalid-request', 'the time to live is a whole number of seconds above 0');
  return [{ type: 'ComposeRequested', data: { composeId, owner, request, submittedAt: now, expiresAt: after(now, request.secondsToLive) } }];
}

function reuse(compose: RecordedCompose, { reused, now }: Of<'ReuseCompose'>): ComposeEvent {
  const { id: reusedId, pungiComposeId, plan } = reused;
  if (pungiComposeId === null || plan === null) throw new MillraceError('internal', `compose ${reusedId} has files and no plan`);
  return { type: 'ComposeReused', data: { reusedId, doneAt: now, expiresAt: after(now, compose.request.secondsToLive), pungiComposeId, plan } };
}

function decideComplete({ tree, now }: Of<'CompleteCompose'>, life: ComposeLife, compose: RecordedCompose): readonly ComposeEvent[] {
  if (compose.state === 'done') return [];
  requireGenerating(compose);
  if (life.promises !== compose.id || life.tree?.state !== 'generating') throw closed(compose, 'does not make its files itself');
  const { plan, packages, bytes, pungiComposeId } = tree;
  return [{ type: 'ComposeDone', data: { doneAt: now, expiresAt: after(now, compose.request.secondsToLive), pungiComposeId, plan, packages, bytes } }];
}

function decideFail({ reason, final, leader = null, now }: Of<'FailCompose'>, compose: RecordedCompose): readonly ComposeEvent[] {
  if (compose.state === 'failed') return [];
  if (compose.state !== 'wait' && compose.state !== 'generating') throw closed(compose, 'cannot fail any more');
  return [{ type: 'ComposeFailed', data: { failedAt: now, expiresAt: after(now, compose.request.secondsToLive), reason, final, leader } }];
}

function decideExtend({ until, by, renewedId, now }: Of<'ExtendCompose'>, compose: RecordedCompose): readonly ComposeEvent[] {
  if (compose.state !== 'done') throw closed(compose, 'cannot be extended');
  if (Date.parse(until) <= Date.parse(compose.expiresAt)) return [];
  return [{ type: 'ComposeRenewed', data: { renewedAt: now, expiresAt: until, by, renewedId } }];
}

function decideName(command: Of<'NameCompose'>, life: ComposeLife, compose: RecordedCompose): readonly ComposeEvent[] {
  const { name, now } = command;
  if (life.names.includes(name)) return [];
  if (compose.state !== 'done') throw closed(compose, `can not be what the name ${name} points at`);
  if (compose.removedBy !== null) throw new MillraceError('compose-closed', `Compose (id=${compose.id}) can not be what the name ${name} points at: ${compose.removedBy} has asked for its removal.`);
  return [{ type: 'ComposeNamed', data: { name, namedAt: now } }, ...keepFor(command, compose)];
}

/** From now, for whoever has begun to read it under its name. */
function keepFor({ name, keepSeconds, now }: Of<'NameCompose' | 'UnnameCompose'>, compose: RecordedCompose): readonly ComposeEvent[] {
  return decideExtend({ type: 'ExtendCompose', until: after(now, keepSeconds), by: nameHolder(name), renewedId: compose.id, now }, compose);
}

/** Who renews what a name points at. */
const nameHolder = (name: string): string => `name:${name}`;

function decideRemove({ by, now }: Of<'RemoveCompose'>, { names }: ComposeLife, compose: RecordedCompose): readonly ComposeEvent[] {
  if (compose.removedBy === by) return [];
  if (names.length > 0) {
    throw new MillraceError('resources-in-use', `Compose (id=${compose.id}) can not be removed: ${names.length === 1 ? 'the name' : 'the names'} ${names.join(', ')} ${names.length === 1 ? 'points' : 'point'} at it.`, {
      suggestion: 'Let the name point at another compose first, or remove the name.',
    });
  }
  if (compose.state !== 'done' && compose.state !== 'failed') {
    throw new MillraceError('compose-closed', `Compose (id=${compose.id}) can not be removed, its state need to be in ['done', 'failed'].`);
  }
  return compose.removedBy === null ? [{ type: 'RemovalRequested', data: { requestedAt: now, by } }] : [];
}

function decideExpire({ keepSeconds, now }: Of<'ExpireCompose'>, { names: [name] }: ComposeLife, compose: RecordedCompose): readonly ComposeEvent[] {
  if (compose.state === 'removed') return [];
  if (compose.state !== 'done' && compose.state !== 'failed') throw closed(compose, 'does not expire before its generation has ended');
  const due = compose.removedBy !== null || Date.parse(compose.expiresAt) <= Date.parse(now);
  if (due && name !== undefined) return keepFor({ type: 'NameCompose', name, keepSeconds, now }, compose);
  return due ? [{ type: 'ComposeRemoved', data: { removedAt: now } }] : [];
}

function requireGenerating(compose: RecordedCompose): void {
  if (compose.state !== 'generating') throw closed(compose, 'is not being generated');
}

function closed(compose: RecordedCompose, what: string): MillraceError {
  return new MillraceError('compose-closed', `Compose (id=${compose.id}) ${what}: its state is ${compose.state}.`);
}

/** The time that is so many seconds later. */
export function after(instant: string, seconds: number): string {
  return new Date(Date.parse(instant) + seconds * 1000).toISOString();
}
