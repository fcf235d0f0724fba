import { z } from 'zod';
import { MillraceError } from '../errors/millrace-error.js';
import type { PulpClient } from './pulp-client.js';
import { mostRepositories } from './pulp-repository.js';
import type { Pulp3Settings } from './pulp-settings-schema.js';

const href = z.string().regex(/^\/[!-~]{1,500}$/, 'is no address within Pulp');
const labels = z.record(z.string(), z.string().nullable());

const distribution = z.object({
  pulp_href: href,
  name: z.string().min(1).max(1000),
  base_path: z.string().min(1).max(1000),
  base_url: z.string().max(4000),
  pulp_labels: labels,
  publication: href.nullish(),
  repository: href.nullish(),
  /** Since pulp_rpm 3.3x. */
  repository_version: href.nullish(),
});
const repository = z.object({ pulp_href: href, pulp_labels: labels });
const publication = z.object({ pulp_href: href });

export type Distribution = z.infer<typeof distribution>;
export type Labelled = z.infer<typeof repository>;

/** What of Pulp 3's REST API is asked for. Each list is read to its end. */
export interface Pulp3Lists {
  distributions(filter: Filter, signal: AbortSignal): Promise<readonly Distribution[]>;
  repositories(filter: Filter, signal: AbortSignal): Promise<readonly Labelled[]>;
  /** Whether there is any. */
  hasPublication(filter: Filter, signal: AbortSignal): Promise<boolean>;
}

export type Filter = Readonly<Record<string, string>>;

/** Pulp's own default. */
const pageSize = 100;

export function createPulp3Lists(client: PulpClient, { url, 'api-root': root, domain }: Pick<Pulp3Settings, 'url' | 'api-root' | 'domain'>): Pulp3Lists {
  const api = `${root}${domain === undefined ? '' : `${domain}/`}api/v3`;

  async function page<T>(list: string, row: z.ZodType<T>, filter: Filter, signal: AbortSignal): Promise<{ readonly count: number; readonly results: readonly T[] }> {
    const answer = await client.get(`${api}/${list}/rpm/rpm/?${new URLSearchParams(filter).toString()}`, z.object({ count: z.int().min(0), results: z.array(row) }), signal);
    if (answer !== undefined) return answer;
    throw new MillraceError('source-invalid', `the Pulp server ${url} has no ${api}/${list}/rpm/rpm/`, { suggestion: 'Compare url, version, api-root and domain in the file of MILLRACE_PULP with the server; it needs the plugin pulp_rpm.' });
  }

  /** By offsets: the address of the next page that Pulp names is that of a proxy's inner side in many places. */
  async function all<T extends { readonly pulp_href: string }>(list: string, row: z.ZodType<T>, filter: Filter, signal: AbortSignal): Promise<readonly T[]> {
    // What is added or removed meanwhile shifts the pages; nothing is taken twice.
    const found = new Map<string, T>();
    for (let offset = 0; ; offset += pageSize) {
      const { count, results } = await page(list, row, { ...filter, ordering: 'name', limit: String(pageSize), offset: String(offset) }, signal);
      for (const item of results) found.set(item.pulp_href, item);
      // Also where it tells the same page for ever, whatever is asked for.
      if (found.size > mostRepositories || offset > mostRepositories) throw new MillraceError('source-invalid', `the Pulp server ${url} has more than ${mostRepositories} ${list} for one content set`);
      if (results.length === 0 || offset + pageSize >= count) return [...found.values()];
    }
  }

  return {
    distributions: (filter, signal) => all('distributions', distribution, filter, signal),
    repositories: (filter, signal) => all('repositories', repository, filter, signal),
    hasPublication: async (filter, signal) => (await page('publications', publication, { ...filter, limit: '1' }, signal)).count > 0,
  };
}
