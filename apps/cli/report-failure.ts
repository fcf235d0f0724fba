import { errorMessage } from '../../libs/errors/error-message.js';
import { errorTable } from '../../libs/errors/error-table.js';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import { paint, printable } from './terminal.js';
import type { Terminal } from './terminal.js';

/** Says on standard error what went wrong, in the shape asked for, and answers the exit code; see docs/reference/errors.md. */
export function reportFailure(error: unknown, terminal: Terminal, json: boolean): number {
  const code = isMillraceError(error) ? error.code : 'internal';
  const message = errorMessage(error);
  const suggestion = isMillraceError(error) ? error.suggestion : undefined;
  if (json) {
    terminal.err(`${JSON.stringify({ error: { code, message, suggestion: suggestion ?? null } })}\n`);
  } else {
    // Several mistakes stand one on a line; in any other message a line break is somebody else's.
    const lines = isMillraceError(error) && error.details !== undefined ? message.split('\n') : [message];
    terminal.err(`${paint(terminal, 'red', 'millrace:')} ${lines.map(printable).join('\n')}\n`);
    if (suggestion !== undefined) terminal.err(`  ${printable(suggestion)}\n`);
  }
  return errorTable[code].exit;
}
