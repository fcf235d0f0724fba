import { MillraceError } from '../errors/millrace-error.js';

/** One thing that is wrong in a policy document. */
export interface PolicyMistake {
  /** Which document: a file name, `session policy`, `service policy`. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** `deny[0].host`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
}

/** More than this nobody reads, and a hostile document would have a million. */
export const shownMistakes = 100;

/** `file:line:column: path: message`, as compilers write it. */
export function mistakeText({ file, line, column, path, message }: PolicyMistake): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** Error `invalid-policy-document` with every mistake in its message and in its details. */
export function policyDocumentError(mistakes: readonly PolicyMistake[]): MillraceError {
  const shown = mistakes.slice(0, shownMistakes);
  const more = mistakes.length > shown.length ? [`and ${mistakes.length - shown.length} more`] : [];
  return new MillraceError('invalid-policy-document', [...shown.map(mistakeText), ...more].join('\n'), {
    details: shown,
    suggestion: 'millrace policy validate FILE checks a document before it is used; docs/reference/policy.md describes every key.',
  });
}
