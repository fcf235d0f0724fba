import { repositoryNamePattern } from '../../libs/repository/repository.js';
import { invalidRequest, validateRequester } from '../session/session-input.js';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Entries of one message: it stands in the history. */
const mostEntries = 1000;

/** The name of the repository. Throws a non-retryable `ApplicationFailure` of type `invalid-request` that names what is wrong. */
export function validRepositoryInput(input: unknown, expectedId: (name: string) => string, workflowId: string): string {
  const name = typeof input === 'object' && input !== null ? (input as { name?: unknown }).name : undefined;
  if (typeof name !== 'string' || !repositoryNamePattern.test(name)) throw invalidRequest('name must be that of a repository');
  if (expectedId(name) !== workflowId) throw invalidRequest(`the workflow id must be ${expectedId('<name>')}`);
  return name;
}

/** Validators of updates: a rejected update leaves no trace in the history. What the record itself checks is left to it. */
export function validateApply(argument: unknown): void {
  const id = typeof argument === 'object' && argument !== null ? (argument as { changeId?: unknown }).changeId : undefined;
  if (typeof id !== 'string' || !uuid.test(id)) throw invalidRequest('changeId must be a UUID in lower case');
}

export function validatePublish(argument: unknown): void {
  validateApply(argument);
  validateRequester(argument);
  const { uploads = [], contents = [], component, force } = argument as Record<string, unknown>;
  if (!isList(uploads, (id) => typeof id === 'string' && uuid.test(id))) throw invalidRequest(`uploads must be at most ${mostEntries} UUIDs in lower case`);
  if (!isList(contents, isContent)) throw invalidRequest(`contents must be at most ${mostEntries} references, each with a sha256 and where it is from`);
  if ((uploads as unknown[]).length + (contents as unknown[]).length === 0) throw invalidRequest('a publication needs uploads or contents');
  if (component !== undefined && (typeof component !== 'string' || component.length > 100)) throw invalidRequest('component must be the name of one');
  if (force !== undefined && typeof force !== 'boolean') throw invalidRequest('force must be true or false');
}

export function validateRemove(argument: unknown): void {
  validateApply(argument);
  validateRequester(argument);
  const { keys, force } = argument as Record<string, unknown>;
  if (!isList(keys, (key) => typeof key === 'string' && key.length > 0 && key.length <= 500) || (keys as unknown[]).length === 0) throw invalidRequest(`keys must be 1 to ${mostEntries} keys of packages`);
  if (force !== undefined && typeof force !== 'boolean') throw invalidRequest('force must be true or false');
}

function isList(value: unknown, isEntry: (entry: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= mostEntries && value.every(isEntry);
}

function isContent(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { sha256, from } = value as { sha256?: unknown; from?: unknown };
  return typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) && typeof from === 'object' && from !== null && Object.keys(from).length === 1;
}
