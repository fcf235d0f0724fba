import { MillraceError } from '../errors/millrace-error.js';

const short = (text: string): string => JSON.stringify(text.slice(0, 128));

export function repositoryNotFound(name: string): MillraceError {
  return new MillraceError('repository-not-found', `there is no repository ${short(name)}`, { suggestion: 'millrace repo list shows those that there are.' });
}

export function stateNotFound(name: string, state: number): MillraceError {
  return new MillraceError('state-not-found', `the repository ${short(name)} has no state ${state}`, { suggestion: `millrace repo history ${name} shows those that it has had.` });
}

export function packageNotFound(name: string, keys: readonly string[]): MillraceError {
  const [first = ''] = keys;
  return new MillraceError('package-not-found', `the repository ${short(name)} does not list ${short(first)}${keys.length > 1 ? ` and ${keys.length - 1} more` : ''}`, {
    details: keys.map((key) => ({ key, reason: 'not listed' })),
    suggestion: `millrace repo list ${name} shows what it has; a package is named by its file.`,
  });
}

export function changeNotFound(id: string): MillraceError {
  return new MillraceError('change-not-found', `there is no change ${short(id)}`);
}

export function uploadNotFound(ids: readonly string[]): MillraceError {
  const [first = ''] = ids;
  return new MillraceError('upload-not-found', `there is no upload ${short(first)}${ids.length > 1 ? `, nor ${ids.length - 1} others` : ''}: uploads are removed once they are published, or when nobody has asked for them for long`, {
    details: ids.map((id) => ({ upload: id, reason: 'not found' })),
    suggestion: 'Upload the package again.',
  });
}

export function idempotencyConflict(what: string, id: string): MillraceError {
  return new MillraceError('idempotency-conflict', `the id ${short(id)} is that of another ${what}`, { suggestion: `Give each ${what} a UUID of its own; use it again only to repeat the very same request.` });
}
