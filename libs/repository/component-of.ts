import { MillraceError } from '../errors/millrace-error.js';
import type { RepositorySettings } from './repository.js';

/** The component that a package is published into: the first of an apt repository unless told, none (empty) of any other. Errors: `invalid-request` for one that it has not. */
export function componentOf({ deb }: Pick<RepositorySettings, 'deb'>, given: string | undefined): string {
  if (deb === null) {
    if ((given ?? '') === '') return '';
    throw new MillraceError('invalid-request', `only apt repositories have components, and one is given: ${given}`);
  }
  const component = given ?? deb.components[0];
  if (component !== undefined && deb.components.includes(component)) return component;
  throw new MillraceError('invalid-request', `the repository has no component ${JSON.stringify((component ?? '').slice(0, 100))}`, { suggestion: `It has ${deb.components.join(', ')}.` });
}
