import { MillraceError } from '../errors/millrace-error.js';
import type { ToolEnd } from './supervised-tool.js';
import { readTail } from './tree-file.js';

/** Bytes of a log that are looked at, from its end. */
const looked = 4 * 1024 ** 2;
/** Characters, as in ODCS. */
const longestErrors = 2000;
const lastLines = 15;

export interface FailedRun {
  /** What people call it. */
  readonly name: string;
  readonly end: ToolEnd;
  /** Paths that nobody outside knows, and what stands for them. */
  readonly paths: readonly (readonly [path: string, shown: string])[];
  /** In `directory`, the first that says something is believed: `errors` only what is marked as an error, `tail` its last lines. */
  readonly logs: readonly { readonly directory: string; readonly file: string; readonly take: 'errors' | 'tail' }[];
}

/**
 * Why another program has failed, in its own words. `storage-full` where it had no space, `internal` where a signal ended it: then it was the machine. Else
 * `unresolvable`: the very same would fail again.
 */
export async function failureOf({ name, end, paths, logs }: FailedRun): Promise<MillraceError> {
  let said = '';
  let full = false;
  for (const { directory, file, take } of logs) {
    const text = await readTail(directory, file, looked);
    full ||= /\[Errno (?:27|28|122)\]|No space left on device|Disk quota exceeded|File too large/i.test(text.slice(-65_536));
    if (said === '') said = take === 'errors' ? errorsIn(text) : tailOf(text);
  }
  for (const [path, shown] of paths) said = said.replaceAll(path, shown);
  const how = end.signal === null ? `ended with exit code ${end.code}` : `was ended by ${end.signal}`;
  const message = `${name} ${how}${said === '' ? ' and did not say why' : `: ${said}`}`;
  if (full) return new MillraceError('storage-full', message, { suggestion: 'Free space there, or shorten the life of composes; then ask again.' });
  if (end.signal !== null) return new MillraceError('internal', message, { suggestion: 'Look at the kernel log of the worker: memory?' });
  return new MillraceError('unresolvable', message, { suggestion: 'The logs of the compose say more.' });
}

/** As Pungi marks them: `2026-11-21 10:00:00 [ERROR   ] text`, and the lines up to the next mark. */
function errorsIn(log: string): string {
  const errors: string[] = [];
  let open = false;
  for (const line of log.split('\n')) {
    const marked = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:,\d+)? \[([A-Z ]{4,8})\] (.*)$/.exec(line);
    if (marked !== null) open = /^(ERROR|CRITICAL)/.test(marked[1] as string) && !(marked[2] as string).startsWith('Extended traceback in:');
    if (open && line.trim() !== '') errors.push(marked === null ? line : (marked[2] as string));
  }
  const text = errors.join('\n');
  return text.length <= longestErrors ? text : `${text.slice(0, longestErrors)} …\nThere are more errors in its log.`;
}

function tailOf(log: string): string {
  return log.split('\n').filter((line) => line.trim() !== '').slice(-lastLines).join('\n').slice(-longestErrors);
}
