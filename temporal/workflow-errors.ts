import { isMillraceError, MillraceError } from '../libs/errors/millrace-error.js';
import { errorTable } from '../libs/errors/error-table.js';
import type { ErrorCode } from '../libs/errors/millrace-error.js';

interface FailureShape {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly type?: unknown;
  readonly cause?: unknown;
}

type Subject = 'session' | 'compose' | 'rule' | 'repository' | 'cache';

/** A rule has no end of its own, nor has a repository: a workflow of theirs that has stopped is none; that of a repository is started again, and goes on. */
const closed = { session: 'session-closed', compose: 'compose-closed', rule: 'rule-not-found', repository: 'workflow-engine-unavailable', cache: 'workflow-engine-unavailable' } as const;

/** A cache is there whether its upkeep has begun or not. */
const unknown = { session: 'session-not-found', compose: 'compose-not-found', rule: 'rule-not-found', repository: 'repository-not-found', cache: 'workflow-engine-unavailable' } as const;

/** By name and not `instanceof`: the errors may come from another realm or another copy of the SDK. */
export function hasName(error: unknown, ...names: readonly string[]): boolean {
  return typeof error === 'object' && error !== null && names.includes(String((error as FailureShape).name));
}

/**
 * What a call of the workflow engine rejected with, as a `MillraceError`: failures of the workflow or of an activity keep the
 * code that they carry as type, an unknown workflow is `session-not-found`, `compose-not-found`, `rule-not-found` or `repository-not-found`, and whatever is left (deadline, refused connection, a
 * server that is starting) is `workflow-engine-unavailable`.
 */
export function asMillraceError(error: unknown, subject: string, kind: Subject = 'session'): MillraceError {
  if (isMillraceError(error)) return error;
  const failure = applicationFailure(error, kind);
  if (failure !== undefined) return new MillraceError(failure.code, failure.message, { cause: error });
  if (hasName(error, 'WorkflowNotFoundError')) return new MillraceError(unknown[kind], `there is no workflow ${subject}`, { cause: error });
  if (hasName(error, 'WorkflowFailedError', 'WorkflowUpdateFailedError')) return new MillraceError(closed[kind], `the workflow ${subject} was stopped`, { cause: error });
  return new MillraceError('workflow-engine-unavailable', `Temporal did not answer for ${subject}`, { cause: error, suggestion: 'Check that a Temporal server runs at MILLRACE_TEMPORAL_ADDRESS and that a worker polls its task queue.' });
}

function applicationFailure(error: unknown, kind: Subject, depth = 0): { code: ErrorCode; message: string } | undefined {
  if (typeof error !== 'object' || error === null || depth > 8) return undefined;
  const { type, message, cause } = error as FailureShape;
  if (hasName(error, 'ApplicationFailure')) {
    // A handler that its workflow's end overtook: the subject is closed as far as this caller can tell.
    if (type === 'AcceptedUpdateCompletedWorkflow') return { code: closed[kind], message: `the ${kind} closed before the request was served` };
    return { code: typeof type === 'string' && type in errorTable ? (type as ErrorCode) : 'internal', message: String(message) };
  }
  return applicationFailure(cause, kind, depth + 1);
}
