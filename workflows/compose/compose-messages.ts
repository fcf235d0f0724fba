import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ComposeState } from '../../libs/compose/compose-vocabulary.js';

/**
 * The published contract of the compose workflow: operators and build managers may watch, cancel, renew and remove a compose with these messages alone.
 * Workflow type `compose`, task queue `composes`, workflow id `compose:<id>`. A compose is asked for by REST: its id is given by the record.
 */
export const composeWorkflowType = 'compose';
export const composeTaskQueue = 'composes';
/** Generation has a queue of its own: how many are made at once is what its workers take. */
export const generationTaskQueue = 'compose-generation';
/** Whoever runs composes on a queue of another name has them generated on one of its own, too. */
export const generationTaskQueueOf = (taskQueue: string): string => (taskQueue === composeTaskQueue ? generationTaskQueue : `${taskQueue}-generation`);
export const composeWorkflowId = (composeId: number): string => `compose:${composeId}`;

export interface ComposeInput {
  readonly composeId: number;
}

export interface ComposeStatus {
  readonly composeId: number;
  readonly state: ComposeState;
  readonly reason: string | null;
  /** RFC 3339; null until generation has ended. */
  readonly expiresAt: string | null;
  /** The compose whose files it has, or waits for. */
  readonly reusedId: number | null;
  /** Of generation, from 1. */
  readonly attempts: number;
}

/** wait or generating → failed. Answers the status after it; of a compose that has ended, its last. */
export const cancelComposeUpdate = defineUpdate<ComposeStatus, [{ readonly by: string }]>('cancelCompose');
/** Extends a compose that is done; regenerating with other packages or a removed one is asked for by REST, because it gets a new id. */
export const renewComposeUpdate = defineUpdate<ComposeStatus, [{ readonly by: string; readonly secondsToLive?: number }]>('renewCompose');
export const removeComposeUpdate = defineUpdate<ComposeStatus, [{ readonly by: string }]>('removeCompose');
export const composeStatusQuery = defineQuery<ComposeStatus>('composeStatus');
/** The record has changed otherwise than by this workflow (REST): look again. */
export const composeChangedSignal = defineSignal('composeChanged');
/** To a follower: the compose that made the files has ended. */
export const treeSettledSignal = defineSignal('treeSettled');
