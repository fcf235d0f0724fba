import { releaseTrees } from '../../activities/compose/release-trees.js';
import type { Logger } from 'pino';
import type { ComposeEngine } from '../../libs/compose-engine/compose-engine.js';
import type { ComposeCommands } from '../../libs/compose-record/compose-commands.js';
import type { StoredComposes } from '../../libs/compose-record/stored-composes.js';

export interface StorageSweepOptions {
  readonly stored: StoredComposes;
  readonly commands: Pick<ComposeCommands, 'releasableTrees' | 'forgetTree'>;
  readonly engine: Pick<ComposeEngine, 'remove' | 'list' | 'sweep'>;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Plans of composes are kept for so many days after their removal, for renewals. */
const planDays = 30;

/**
 * One round: deletes the files of composes that nothing promises, those that the record does not know at all (a crash left them), and what the content store and
 * the caches have not been asked for in a long time. Several at once do no harm. Rejects when the database is away or the storage refuses.
 */
export async function sweepComposeStorage({ stored, commands, engine, signal, log }: StorageSweepOptions): Promise<void> {
  const released = await releaseTrees({ commands, engine, signal });
  // Listed before the record is asked: a tree is in the record before it is on the disk.
  const orphans = await stored.unknownTrees(await engine.list());
  for (const tree of orphans) {
    signal.throwIfAborted();
    await engine.remove(tree);
    log.info({ task: 'storage sweep', composeId: tree.id, targetDir: tree.targetDir }, 'removed files that belong to no compose');
  }
  const swept = await engine.sweep(await stored.plans(planDays));
  if (released + swept > 0) log.info({ task: 'storage sweep', trees: released, files: swept }, 'removed what nobody needs any more');
}
