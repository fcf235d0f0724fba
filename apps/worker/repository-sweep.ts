import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { Logger } from 'pino';
import type { RepositoryReads } from '../../libs/repository-record/repository-record.js';
import type { RepositoryWorkflowClient } from '../../temporal/repository-workflow-client.js';

export interface RepositorySweepOptions {
  readonly reads: Pick<RepositoryReads, 'list' | 'unsettled'>;
  readonly workflows: Pick<RepositoryWorkflowClient, 'start' | 'poke'>;
  readonly log: Logger;
  /** Milliseconds by a clock that only goes on. */
  readonly now?: () => number;
}

/** Repositories of one page, and unsettled ones of one round. */
const batch = 500;
/** Milliseconds between two times that all repositories are looked at. */
const keepInterval = 300_000;
/** Milliseconds between two times that the same repository is told that its record is unsettled. */
const pokeInterval = 15_000;

/**
 * A round: a repository whose record is still unsettled since the last round hears of it, because the message that should have told its workflow may be lost; and
 * now and then every repository gets its workflows, which Temporal may have lost or somebody terminated. A workflow that is at work notices nothing. Several
 * workers may sweep at once. Rejects when the database or Temporal is away.
 */
export function sweepRepositories({ reads, workflows, log, now = () => performance.now() }: RepositorySweepOptions): () => Promise<void> {
  let keepAt = -Infinity;
  let seen = new Set<string>();
  const poked = new Map<string, number>();
  return async () => {
    if (now() >= keepAt) {
      await keepAll();
      keepAt = now() + keepInterval;
    }
    const unsettled = new Set(await reads.unsettled(batch));
    for (const name of unsettled) if (seen.has(name) && now() >= (poked.get(name) ?? -Infinity) + pokeInterval) await poke(name);
    for (const name of poked.keys()) if (!unsettled.has(name)) poked.delete(name);
    seen = unsettled;
  };

  async function poke(name: string): Promise<void> {
    await workflows.poke(name);
    poked.set(name, now());
    log.debug({ repository: name }, 'told its workflow that the record is unsettled');
  }

  async function keepAll(): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const page = await reads.list({ limit: batch, ...(after === undefined ? {} : { after }) });
      for (const { name } of page) {
        await workflows.start(name).catch((error: unknown) => {
          if (!isMillraceError(error) || error.code === 'workflow-engine-unavailable') throw error;
          log.warn({ repository: name, code: error.code }, 'cannot see to its workflow now');
        });
        after = name;
      }
      if (page.length < batch) return;
    }
  }
}
