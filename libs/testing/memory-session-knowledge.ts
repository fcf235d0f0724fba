import { MillraceError } from '../errors/millrace-error.js';
import type { SessionKnowledge } from '../inspection/inspector.js';

/** Longest value that knowledge takes, in bytes of UTF-8. */
export const knowledgeValueLimit = 4 * 1024 * 1024;

/** Knowledge of one session in memory, with the limits of the real one: for specs and for tools that inspect without a record. */
export function createMemorySessionKnowledge(values = new Map<string, string>()): SessionKnowledge {
  const put = (key: string, value: string): Promise<void> => {
    if (Buffer.byteLength(value) > knowledgeValueLimit) {
      return Promise.reject(new MillraceError('payload-too-large', `knowledge of ${key} is larger than ${knowledgeValueLimit} bytes`));
    }
    values.set(key, value);
    return Promise.resolve();
  };
  return {
    get: (key) => Promise.resolve(values.get(key)),
    put,
    replace: async (key, before, value) => {
      if (values.get(key) !== before) return false;
      await put(key, value);
      return true;
    },
  };
}
