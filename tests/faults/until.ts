import { setTimeout as pause } from 'node:timers/promises';

/** Asks again until the answer is neither undefined nor false; a spec's own time limit ends it. */
export async function until<Answer>(ask: () => Promise<Answer> | Answer): Promise<Exclude<Answer, undefined | false>> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as Exclude<Answer, undefined | false>;
    await pause(20);
  }
}
