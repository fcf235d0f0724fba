import { readFileSync } from 'node:fs';
import type { InspectedRequest, InspectionContext } from '../../../inspection/inspector.js';
import type { ResponseInspectionResult } from '../../../inspection/response-inspection.js';
import { createRequest, inspect } from '../../__fixtures__/exchange.js';

/** One request of git 2.39 and the answer of `git http-backend`, bodies in base64. */
export interface RecordedExchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly request?: string;
  readonly response: string;
}

export const recordedClients = JSON.parse(readFileSync(new URL('./recorded-clients.json', import.meta.url), 'utf8')) as Readonly<Record<string, readonly RecordedExchange[]>>;

export const originUrl = 'https://git.example';

export function requestOf(exchange: RecordedExchange, origin = originUrl): InspectedRequest {
  const request = createRequest(origin + exchange.path, exchange.headers, exchange.method);
  return exchange.request === undefined ? request : { ...request, body: Buffer.from(exchange.request, 'base64') };
}

/** Takes recorded exchanges through inspection one after the other. */
export async function replay(exchanges: readonly RecordedExchange[], context: InspectionContext): Promise<ResponseInspectionResult[]> {
  const results: ResponseInspectionResult[] = [];
  for (const exchange of exchanges) results.push(await inspect(requestOf(exchange), { bytes: Buffer.from(exchange.response, 'base64') }, context));
  return results;
}
