import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { createInspectedBody } from '../../libs/inspection/inspected-body.js';
import type { InspectedRequest, ResponseInspection } from '../../libs/inspection/inspector.js';
import { createInspectors } from '../../libs/inspectors/index.js';
import { createMemorySessionKnowledge } from '../../libs/testing/memory-session-knowledge.js';
import type { PreparedInspection } from './prepared-inspection.js';

/** Run as a process of its own: `measure-inspection.js <inspector> <artefact> <prepared>`; prints one line of JSON. */
export interface InspectionMeasurement {
  /** Bytes of the artefact as transferred. */
  readonly size: number;
  /** Milliseconds, the second run of two, each in a new session: the first has the code compiled. */
  readonly milliseconds: number;
  /** Bytes that the process grew by at most while it inspected. */
  readonly memory: number;
  readonly opinion: string;
  readonly reason: string;
}

const [, , id = '', artefact = '', file = ''] = process.argv;
const inspector = createInspectors().find((each) => each.id === id);
if (inspector === undefined) throw new Error(`there is no inspector ${id}`);
const prepared = JSON.parse(readFileSync(file, 'utf8')) as PreparedInspection;
const { size, sha1, sha256 } = prepared;
const request = requestOf(prepared.request);
const body = createInspectedBody({ digests: { size, sha1, sha256 }, contentEncoding: '', file: artefact, head: firstBytes(artefact) });

function inspect(): Promise<ResponseInspection | undefined> {
  const knowledge = createMemorySessionKnowledge(new Map(prepared.knowledge));
  const context = { sessionId: 'a'.repeat(32), policy: 'strict' as const, configuration: prepared.configuration, knowledge };
  return inspector?.inspectResponse(request, { status: 200, header: () => undefined }, body, context) ?? Promise.resolve(undefined);
}

global.gc?.();
const before = process.memoryUsage.rss();
await inspect();
const start = performance.now();
const opinion = await inspect();
const milliseconds = performance.now() - start;
const memory = process.resourceUsage().maxRSS * 1024 - before;
const measurement: InspectionMeasurement = { size, milliseconds, memory, opinion: opinion?.opinion ?? 'none', reason: opinion?.reason ?? '' };
process.stdout.write(`${JSON.stringify(measurement)}\n`);

function firstBytes(path: string): Buffer {
  const handle = openSync(path, 'r');
  const head = Buffer.alloc(4096);
  const length = readSync(handle, head);
  closeSync(handle);
  return head.subarray(0, length);
}

function requestOf({ url, method, headers, body: sent }: PreparedInspection['request']): InspectedRequest {
  const { protocol, host, port, pathname, search } = new URL(url);
  const origin = `${protocol}//${host}${port === '' ? ':443' : ''}`;
  return { method, url, origin, path: pathname, query: search.slice(1), header: (field) => headers[field], ...(sent === undefined ? {} : { body: Buffer.from(sent, 'base64') }) };
}
