import { z } from 'zod';
import { inOrder } from '../rpm-repository/in-order.js';
import type { PulpClient } from './pulp-client.js';
import type { FindRepositories, PulpRepository } from './pulp-repository.js';
import type { Pulp2Settings } from './pulp-settings-schema.js';

const note = z.string().nullish();
const repositoryRow = z.object({
  id: z.string().min(1).max(500),
  notes: z.object({ content_set: note, relative_url: note, arch: note, signatures: note, include_in_download_service: z.union([note, z.boolean()]) }),
});
type RepositoryRow = z.infer<typeof repositoryRow>;

const root = '/pulp/api/v2/repositories';
const atOnce = 8;

/** As ODCS asks Pulp 2: content sets by their note, and what is none by the id of a repository. */
export function findInPulp2(client: PulpClient, settings: Pick<Pulp2Settings, 'url' | 'content-url'>): FindRepositories {
  const asRepository = ({ id, notes }: RepositoryRow): PulpRepository => ({
    name: id,
    url: notes.relative_url ? `${settings['content-url'] ?? settings.url}/${notes.relative_url.replace(/^\/+/, '')}` : undefined,
    // Pulp 2 has texts there.
    published: notes.include_in_download_service === true || notes.include_in_download_service === 'True',
    arches: words(notes.arch),
    sigkeys: words(notes.signatures),
  });

  return async ({ sources, signal }) => {
    const criteria = { filters: { 'notes.content_set': { $in: sources } }, fields: ['notes', 'id'] };
    const rows = await client.post(`${root}/search/`, { criteria }, z.array(repositoryRow), signal);
    const found = new Map<string, PulpRepository[]>();
    for (const row of rows) {
      const set = row.notes.content_set ?? '';
      if (sources.includes(set)) found.set(set, [...(found.get(set) ?? []), asRepository(row)]);
    }
    const rest = sources.filter((source) => !found.has(source));
    // Dots would lead to another path.
    const byId = (id: string) => (/^\.{1,2}$/.test(id) ? Promise.resolve(undefined) : client.get(`${root}/${encodeURIComponent(id)}/`, repositoryRow, signal));
    for await (const { id, row } of inOrder(rest, atOnce, async (each) => ({ id: each, row: await byId(each) }))) if (row !== undefined) found.set(id, [asRepository(row)]);
    return found;
  };
}

function words(list: string | null | undefined): string[] {
  return (list ?? '').split(/[\s,]+/).filter((word) => word !== '');
}
