import type { InspectionContext, VisibilityLimit } from '../../../inspection/inspector.js';
import { createContext, createRequest, inspect } from '../../__fixtures__/exchange.js';

/** A context whose `consult` answers from a table, as the proxy would with a registry behind it. */
export interface ConsultingContext {
  readonly context: InspectionContext;
  /** `<accept> <url>` of everything that was consulted; an absent Accept is `*`. */
  readonly asked: string[];
}

interface Options {
  /** Bodies by URL; any other is unreachable. */
  readonly answers?: Readonly<Record<string, string | Buffer>>;
  readonly configuration?: InspectionContext['configuration'];
  readonly limit?: VisibilityLimit;
}

export function createConsultingContext({ answers = {}, configuration = {}, limit }: Options = {}): ConsultingContext {
  const asked: string[] = [];
  const context: InspectionContext = {
    ...createContext(),
    configuration,
    ...(limit === undefined ? {} : { visibleUntil: () => limit }),
    consult: async (url, { accept } = {}) => {
      asked.push(`${accept ?? '*'} ${url}`);
      const answer = answers[url];
      if (answer === undefined) return 'unreachable';
      const request = createRequest(url, { 'user-agent': 'millrace (asked by an inspector)', accept: accept ?? '*/*' });
      return (await inspect(request, { bytes: Buffer.from(answer) }, context)).verdict === 'Approved' ? 'approved' : 'refused';
    },
  };
  return { context, asked };
}

/** Hides what was published after 2024. */
export const sampleLimit: VisibilityLimit = { until: Date.parse('2025-01-01T00:00:00Z'), because: 'as-of 2025-01-01T00:00:00Z' };
export const oldTime = '2024-05-01T00:00:00.000Z';
export const youngTime = '2025-06-01T00:00:00.000Z';
