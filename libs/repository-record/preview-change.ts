import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { checkChangeRequest, checkUuid } from '../repository/change-request.js';
import { decideChange } from '../repository/decide-change.js';
import { toListed, type OfferedPackage } from '../repository/list-change.js';
import type { ChangeProblem } from '../repository/repository-change.js';
import { prepareChanges } from './prepare-changes.js';
import type { RecordOptions } from './record-options.js';
import type { ChangePreview, NewChange } from './repository-record.js';
import { readRepository, type LoadedRepository } from './repository-stream.js';
import { checkReferences } from './request-change.js';
import { readOffers, sourcesOf } from './waiting-changes.js';

/** Decides on what clients see now; a state that is being made may come first. */
export async function previewChange(database: Database, change: NewChange, options: RecordOptions): Promise<ChangePreview> {
  checkUuid(change.id, 'a change');
  checkChangeRequest(change.request);
  return inTransaction(database, async ({ sql }) => {
    const repository = await readRepository(sql, change.repository);
    await checkReferences(sql, change.repository, change.request);
    const offers = await readOffers(sql, change.repository, [change]);
    const offered = offers.get(change.id) ?? [];
    return undescribed(change, offered) ?? decide(sql, repository, { change, offered, options });
  });
}

const nothing = { added: [], same: [], removed: [], obsoleted: [] };

function undescribed({ request }: NewChange, offered: readonly OfferedPackage[]): ChangePreview | undefined {
  const sources = sourcesOf(request).length;
  if (offered.length === sources) return undefined;
  const problem: ChangeProblem = { code: 'invalid-request', message: `${sources - offered.length} of ${sources} packages have not been inspected yet`, details: [] };
  return { ...nothing, problem };
}

async function decide(sql: Sql, repository: LoadedRepository, { change, offered, options }: { readonly change: NewChange; readonly offered: readonly OfferedPackage[]; readonly options: RecordOptions }): Promise<ChangePreview> {
  const { draft, changes } = await prepareChanges(sql, repository, { changes: [change], offers: new Map([[change.id, offered]]) });
  const [one] = changes;
  if (one === undefined) return { ...nothing, problem: undefined };
  const context = { settings: repository.settings, compareVersions: options.compareVersions[repository.kind], at: options.now() };
  const decided = decideChange(draft, { ...one.prepared, force: true }, context);
  if (decided.problem !== undefined) return { ...nothing, problem: decided.problem };
  const { problem } = decideChange(draft, one.prepared, context);
  return { added: decided.added.map(toListed), same: decided.same, removed: decided.removed, obsoleted: decided.obsoleted, problem };
}
