import { MillraceError } from '../../libs/errors/millrace-error.js';
import { checkRepository, isSound } from '../../libs/repository-checks/check-repository.js';
import type { Logger } from 'pino';
import type { RepositoryUpkeep } from '../../activities/repository/repository-activity-options.js';
import type { RepositoryParts } from '../../libs/repository-engine/open-repository-parts.js';

/** What is done by the clock. */
export function openRepositoryUpkeep(parts: RepositoryParts, log: Logger): RepositoryUpkeep {
  return {
    async check(name, options) {
      const report = await checkRepository(parts, name, { ...options, depth: 'quick' });
      if (isSound(report)) log.info({ repository: name, state: report.state }, 'checked a repository: it is sound');
      else log.warn({ repository: name, state: report.state, counts: report.counts }, 'checked a repository: clients miss something of it');
    },
    synchronise: (name) => Promise.reject(new MillraceError('invalid-request', `${name} cannot be synchronised by this worker`)),
  };
}
