import { hash } from 'node:crypto';
import { createInspectedBody } from '../../inspection/inspected-body.js';
import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import type { FuzzTarget } from '../../testing/fuzz-target.js';
import { createContext } from './exchange.js';

/** An inspector as a fuzz target: what it throws that is no refusal is a finding. Knowledge is empty, so declare what must be declared in `prepare`. */
export function inspectorTarget(
  inspector: Inspector,
  options: {
    readonly request: InspectedRequest;
    readonly seeds: () => readonly Buffer[];
    readonly prepare?: (context: ReturnType<typeof createContext>) => Promise<void>;
    readonly headers?: Readonly<Record<string, string>>;
  },
): FuzzTarget {
  const headers = options.headers ?? {};
  return {
    name: inspector.id,
    seeds: options.seeds,
    async run(input) {
      const context = createContext();
      await options.prepare?.(context);
      const digests = { sha1: hash('sha1', input), sha256: hash('sha256', input), size: input.length };
      const body = createInspectedBody({ bytes: input, digests, contentEncoding: headers['content-encoding'] ?? '' });
      await inspector.inspectResponse(options.request, { status: 200, header: (name) => headers[name] }, body, context);
    },
  };
}
