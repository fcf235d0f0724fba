import type { ComposeEngine } from '../../libs/compose-engine/compose-engine.js';
import type { ComposeCommands } from '../../libs/compose-record/compose-commands.js';

export interface ReleaseTreesOptions {
  readonly commands: Pick<ComposeCommands, 'releasableTrees' | 'forgetTree'>;
  readonly engine: Pick<ComposeEngine, 'remove'>;
  readonly signal?: AbortSignal;
}

/** Trees of one round. */
const batch = 20;

/** Deletes the files that nothing promises any more, then forgets them; a crash in between has it done again. Several at once do no harm. Answers how many trees. */
export async function releaseTrees({ commands, engine, signal }: ReleaseTreesOptions): Promise<number> {
  let released = 0;
  for (;;) {
    const trees = await commands.releasableTrees(batch);
    for (const tree of trees) {
      signal?.throwIfAborted();
      await engine.remove(tree);
      await commands.forgetTree(tree);
      released += 1;
    }
    if (trees.length < batch) return released;
  }
}
