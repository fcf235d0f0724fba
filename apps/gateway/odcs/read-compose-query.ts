import { composeStates, sourceTypes } from '../../../libs/compose/compose-vocabulary.js';
import type { ComposeFilter, ComposeOrder, ComposeQuery } from '../../../libs/compose-record/compose-commands.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

/** Query parameters as they arrive: one that is repeated is a list. */
export type QueryParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface ListPage {
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
}

export const maximumPerPage = 100;
const defaultPerPage = 10;
const largestPage = 1_000_000_000;

const textFilters = ['owner', 'source', 'pungi_compose_id', 'compose_type', 'label'] as const satisfies readonly ComposeFilter[];
const orders = ['id', 'owner', 'source_type', 'koji_event', 'state', 'time_to_expire', 'time_submitted', 'time_done', 'time_removed'] as const satisfies readonly ComposeOrder[];

/** The query of `GET /api/1/composes/`; what is not known is ignored, as in ODCS. Errors: `invalid-request`. */
export function readComposeQuery(parameters: QueryParameters): ComposeQuery & ListPage {
  const perPage = readPerPage(first(parameters['per_page']));
  const page = Math.min(Math.max(integer(first(parameters['page'])) ?? 1, 1), largestPage);
  return { filters: readFilters(parameters), ...readOrder(first(parameters['order_by'])), page, perPage, offset: (page - 1) * perPage, limit: perPage };
}

function readFilters(parameters: QueryParameters): ComposeQuery['filters'] {
  const filters: Partial<Record<ComposeFilter, string | number>> = {};
  for (const name of textFilters) {
    const value = first(parameters[name]) ?? '';
    if (value.includes('\0')) throw new MillraceError('invalid-request', `${name} holds a character that no compose has`);
    if (value !== '') filters[name] = value;
  }
  const numbers = { state: numbered('state', first(parameters['state']), composeStates), source_type: numbered('source_type', first(parameters['source_type']), sourceTypes), koji_task_id: numbered('koji_task_id', first(parameters['koji_task_id']), {}) };
  for (const [name, value] of Object.entries(numbers)) if (value !== undefined) filters[name as ComposeFilter] = value;
  return filters;
}

/** A number, or one of the names for it. */
function numbered(field: string, value: string | undefined, names: Readonly<Record<string, number>>): number | undefined {
  if (value === undefined || value === '') return undefined;
  const number = Object.hasOwn(names, value) ? names[value] : integer(value);
  if (number !== undefined && number <= 2_147_483_647) return number;
  const known = Object.entries(names).map(([name, each]) => `${name} (${each})`);
  throw new MillraceError('invalid-request', `${field} should be a number${known.length === 0 ? '' : `, or one of: ${known.join(', ')}`}`);
}

function readOrder(value: string | undefined): Pick<ComposeQuery, 'orderBy' | 'descending'> {
  const given = value === undefined || value === '' ? '-id' : value;
  const descending = given.length > 1 && given.startsWith('-');
  const name = descending ? given.slice(1) : given;
  // The spelling of ODCS, which answers 500 to it.
  const orderBy = orders.find((order) => order === (name === 'source_Type' ? 'source_type' : name));
  if (orderBy === undefined) throw new MillraceError('invalid-request', `An invalid order_by key was supplied, allowed keys are: ${orders.join(', ')}`);
  return { orderBy, descending };
}

function readPerPage(value: string | undefined): number {
  const number = integer(value);
  if (number === undefined) return defaultPerPage;
  return number < 0 ? 20 : Math.min(number, maximumPerPage);
}

function integer(value: string | undefined): number | undefined {
  return value !== undefined && /^[+-]?\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' || value === undefined ? value : value[0];
}
