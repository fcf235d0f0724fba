import type { ComposeName, ComposeNames } from '../../../libs/compose-names/compose-names.js';
import { readNameLink } from '../../../libs/compose-names/name-places.js';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';
import { recordTimeout } from '../http/answer-deadline.js';
import { withDeadline } from '../http/with-deadline.js';

/** What a name points at; undefined: there is no such name. */
export type FindName = (name: string) => Promise<ComposeName | undefined>;

const recordMilliseconds = 2000;

/** By the record; while that is away, by the link in the directory of composes, which was right a moment ago. Errors: `database-unavailable`, where there is none. */
export function createFindName(names: Pick<ComposeNames, 'get'>, composes: string): FindName {
  return async (name) => {
    try {
      return await withDeadline(names.get(name), recordMilliseconds, recordTimeout);
    } catch (error) {
      if (isMillraceError(error) && error.code === 'compose-name-not-found') return undefined;
      const target = /^\.\.\/odcs-([1-9]\d{0,14})$/.exec((await readNameLink(composes, name)) ?? '')?.[1];
      if (target === undefined) throw error;
      return { name, composeId: Number(target), since: '', by: '' };
    }
  };
}
