import { maximumPerPage } from './read-compose-query.js';
import type { ListPage, QueryParameters } from './read-compose-query.js';

export interface PaginationMeta extends Readonly<Record<'page' | 'pages' | 'per_page' | 'max_per_page' | 'total', number>> {
  readonly first: string;
  readonly last: string;
  readonly prev: string | null;
  readonly next: string | null;
}

const ownParameters = new Set(['page', 'per_page', 'endpoint']);

/** `meta` of a list as ODCS has it; `address`: absolute URL of the list without its query. */
export function paginationMeta({ page, perPage, total, address, parameters }: ListPage & { readonly total: number; readonly address: string; readonly parameters: QueryParameters }): PaginationMeta {
  const pages = perPage === 0 ? 0 : Math.ceil(total / perPage);
  const others = Object.entries(parameters).filter(([name]) => !ownParameters.has(name) && !name.startsWith('_'));
  const link = (number: number): string => {
    const query = new URLSearchParams({ page: String(number), per_page: String(perPage) });
    for (const [name, values] of others) for (const value of [values ?? []].flat()) query.append(name, value);
    return `${address}?${query.toString()}`;
  };
  return { page, pages, per_page: perPage, max_per_page: maximumPerPage, total, first: link(1), last: link(pages), prev: page > 1 ? link(page - 1) : null, next: page < pages ? link(page + 1) : null };
}
