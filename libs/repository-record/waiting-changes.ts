import type { Sql } from '../database/sql.js';
import type { OfferedPackage } from '../repository/list-change.js';
import type { ChangeRequest, RepositoryChange } from '../repository/repository-change.js';
import { changeColumns, toChange, type SelectedChange, type SelectedPackage } from './repository-rows.js';

/** Packages and keys that one plan looks at: it must not hold the repository for long. */
const mostEntries = 5000;
/** Changes that are looked at before it is known whether more are needed; each may have a thousand packages. */
const pageSize = 20;

interface NumberedChange extends SelectedChange {
  readonly number: string;
}

/** That can be decided now, oldest first: as many as one plan takes. */
export async function readReadyChanges(sql: Sql, repository: string, limit: number): Promise<readonly RepositoryChange[]> {
  const ready: RepositoryChange[] = [];
  let entries = 0;
  for (let after = '0'; ; ) {
    const rows = await sql<NumberedChange>(
      `select c.number, ${changeColumns} from repository_changes c where c.repository = $1 and c.ended_at is null and c.phase = 'waiting' and c.number > $2 order by c.number limit ${pageSize}`,
      [repository, after],
    );
    for (const change of rows.map(toChange).filter(({ phase }) => phase === 'inspected')) {
      entries += entriesOf(change);
      if (ready.length > 0 && (entries > mostEntries || isAlone(change) || ready.some(isAlone))) return ready;
      ready.push(change);
      if (ready.length === limit) return ready;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return ready;
    after = last.number;
  }
}

/** What goes back looks at the whole list: it is a state of its own. */
function isAlone({ request }: RepositoryChange): boolean {
  return request.kind === 'roll-back';
}

function entriesOf({ request }: RepositoryChange): number {
  return sourcesOf(request).length + removedKeys(request).length;
}

export function removedKeys(request: ChangeRequest): readonly string[] {
  if ('remove' in request) return request.remove;
  return request.kind === 'remove' ? request.keys : [];
}

interface SelectedOffer extends Omit<SelectedPackage, 'added_at'> {
  readonly change_id: string;
  /** Of an upload. */
  readonly id: string | null;
}

const described = 'key, sha256, size, path, name, version, architecture, component';

/** What changes publish, by their ids: uploads that are named, and for contents whatever has their bytes. What is not described yet is left out. */
export async function readOffers(sql: Sql, repository: string, changes: readonly Pick<RepositoryChange, 'id' | 'request'>[]): Promise<ReadonlyMap<string, readonly OfferedPackage[]>> {
  const sources = changes.flatMap(({ id, request }) => sourcesOf(request).map((source, place) => ({ change_id: id, place, ...source })));
  const rows = await sql<SelectedOffer>(
    `select s.change_id, o.* from json_to_recordset($2::json) as s(change_id uuid, place int, upload_id uuid, sha256 text) cross join lateral (
         select u.id, ${described} from repository_uploads u where u.id = s.upload_id and u.repository = $1 and u.key is not null
       union all
         (select id, ${described} from (
             select 0 as worse, u.id, ${described} from repository_uploads u where s.sha256 is not null and u.repository = $1 and u.sha256 = s.sha256 and u.key is not null and not u.leaving
           union all
             select 1, null, ${described} from repository_packages p where s.sha256 is not null and p.repository = $1 and p.sha256 = s.sha256 and p.object <> 'deleted'
         ) b order by worse, id limit 1)
     ) o order by s.change_id, s.place`,
    [repository, JSON.stringify(sources)],
  );
  const offers = new Map(changes.map(({ id }): [string, OfferedPackage[]] => [id, []]));
  for (const row of rows) offers.get(row.change_id)?.push(toOffer(row));
  return offers;
}

/** Rows of `repository_change_sources`. */
export function sourcesOf(request: ChangeRequest): readonly object[] {
  const uploads = 'uploads' in request ? request.uploads.map((id) => ({ upload_id: id })) : [];
  return [...uploads, ...('contents' in request ? request.contents.map(({ sha256 }) => ({ sha256 })) : [])];
}

function toOffer({ id, key, sha256, size, path, name, version, architecture, component }: SelectedOffer): OfferedPackage {
  return { key, sha256, size: Number(size), path, name, version, architecture, component, ...(id === null ? {} : { upload: id }) };
}
