import { Context } from '@temporalio/activity';
import { isMillraceError, MillraceError } from '../../libs/errors/millrace-error.js';
import { performed as withHeartbeat } from '../performed.js';
import { asComposeFailure } from './compose-activity-failure.js';
import { readCompose, viewOf } from './compose-view.js';
import { releaseTrees } from './release-trees.js';
import type { Compose } from '../../libs/compose/compose.js';
import type { ComposeRequest } from '../../libs/compose/compose-request.js';
import type { ComposeEngine } from '../../libs/compose-engine/compose-engine.js';
import type { ComposeCommands, ComposeReads } from '../../libs/compose-record/compose-commands.js';
import type { ComposeActivities, ComposeView } from '../../workflows/compose/compose-activities.js';

export interface ComposeActivityOptions {
  readonly commands: ComposeCommands;
  readonly reads: Pick<ComposeReads, 'get'>;
  readonly engine: Pick<ComposeEngine, 'has' | 'remove'>;
  readonly workflows: ComposeSignals;
  /** How long one generation may take: by the settings, or by those of its source. */
  readonly generationSeconds: (request: ComposeRequest) => number;
}

/** What activities tell workflows; best effort, because workflows ask themselves now and then. */
export interface ComposeSignals {
  changed(composeId: number): Promise<void>;
  treeSettled(composeId: number): Promise<void>;
}

const performed = <T>(work: () => Promise<T>): Promise<T> => withHeartbeat(work, asComposeFailure);

/**
 * The short activities of the compose workflow. All are idempotent, because the commands are: one that its compose's state does not allow any more answers what
 * the record has. Errors become `ApplicationFailure`s with the Millrace code as type; `errorTable` says which of them are worth a retry.
 */
export function createComposeActivities(options: ComposeActivityOptions): ComposeActivities {
  const { commands, reads, engine, workflows, generationSeconds } = options;

  /** Whoever was faster has ended the compose, or removed it: then that is the answer. */
  const orAsItIs = (composeId: number, command: () => Promise<Compose>): Promise<ComposeView> =>
    performed(async () => {
      try {
        return viewOf(await command());
      } catch (error) {
        if (!isMillraceError(error) || error.code !== 'compose-closed') throw error;
        return viewOf(await readCompose(reads, composeId));
      }
    });

  return {
    lookAtCompose: (composeId) =>
      performed(async () => {
        const compose = await readCompose(reads, composeId);
        return { view: viewOf(compose), generationSeconds: generationSeconds(compose.request) };
      }),
    claimComposeTree: (composeId) =>
      performed(async () => {
        const kind = await claimUnlessClosed(composeId, { commands, engine });
        return { kind, view: viewOf(await readCompose(reads, composeId)) };
      }),
    failCompose: (composeId, { reason, final }) => orAsItIs(composeId, () => commands.fail(composeId, reason, { final })),
    cancelCompose: (composeId, by) => orAsItIs(composeId, () => commands.cancel(composeId, by)),
    renewCompose: (composeId, { by, secondsToLive }) =>
      performed(async () => {
        const { state } = await readCompose(reads, composeId);
        if (state !== 'done') throw new MillraceError('compose-closed', `compose ${composeId} is ${state}: only one that is done can be extended`, { suggestion: 'Ask for a new compose by PATCH /api/1/composes/<id>.' });
        return viewOf(await commands.renew(composeId, secondsToLive === undefined ? {} : { secondsToLive }, { owner: by }));
      }),
    removeCompose: (composeId, by) => performed(async () => viewOf(await commands.remove(composeId, by))),
    expireCompose: (composeId) =>
      performed(async () => {
        await commands.expire(composeId);
        return viewOf(await readCompose(reads, composeId));
      }),
    tellFollowers: (composeId) =>
      performed(async () => {
        const followers = await commands.followers(composeId);
        for (const follower of followers) await workflows.treeSettled(follower).catch(() => undefined);
        return followers.length;
      }),
    releaseTrees: () => performed(() => releaseTrees({ commands, engine, signal: Context.current().cancellationSignal })),
  };
}

async function claimUnlessClosed(composeId: number, { commands, engine }: Pick<ComposeActivityOptions, 'commands' | 'engine'>): Promise<'generate' | 'follow' | 'reuse'> {
  try {
    return (await commands.claimTree(composeId, engine.has)).kind;
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'compose-closed') throw error;
    return 'reuse'; // nothing is left to do: the view says what it came to
  }
}
