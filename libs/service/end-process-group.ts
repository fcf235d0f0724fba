import { errnoOf } from '../errors/system-error.js';

/** Of a process that was started `detached`. Also when the first of the group has ended: what it started may go on. */
export function endProcessGroup(group: number | undefined): void {
  if (group === undefined) return;
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
