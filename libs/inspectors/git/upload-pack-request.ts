import { gunzipSync } from 'node:zlib';
import type { InspectedRequest } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { formatOfId, type ObjectFormat } from './object-id.js';
import { packetText, readPackets } from './pkt-line.js';

/** What a client asks of upload-pack. */
export interface UploadPackRequest {
  /** 0 stands for 1 as well: their requests are the same. */
  readonly version: 0 | 2;
  /** `ls-refs`, `fetch`, or what else version 2 has. */
  readonly command: string;
  readonly format: ObjectFormat;
  /** Ids in hex. */
  readonly wants: readonly string[];
  /** Refs wanted by name (version 2, `ref-in-want`). */
  readonly wantedRefs: readonly string[];
  readonly haves: readonly string[];
  /** Commits that the client has without their parents. */
  readonly shallow: readonly string[];
  readonly depth: number | undefined;
  /** `deepen-since`, `deepen-not` or `deepen-relative`. */
  readonly otherDeepening: boolean;
  readonly filter: string | undefined;
  readonly sideband: boolean;
}

/** A request that was gzipped has at most 1 MiB as sent. */
const decodedLimit = 16 * 1024 * 1024;

interface Draft {
  wants: string[];
  wantedRefs: string[];
  haves: string[];
  shallow: string[];
  depth?: number;
  otherDeepening: boolean;
  filter?: string;
  capabilities: string[];
}

/** Reads the body of a POST to git-upload-pack, gzipped or not (gitprotocol-v2, gitprotocol-pack). Throws the reason when it is none. */
export async function readUploadPackRequest(request: InspectedRequest, body: Buffer): Promise<UploadPackRequest> {
  const packets = await readPackets(decodeRequest(request, body));
  const draft: Draft = { wants: [], wantedRefs: [], haves: [], shallow: [], otherDeepening: false, capabilities: [] };
  let command: string | undefined;
  for (const packet of packets) {
    if (packet.kind !== 'data') continue;
    const line = packetText(packet);
    if (line.startsWith('command=')) command = line.slice('command='.length);
    else readLine(line, draft);
  }
  const version = command === undefined ? 0 : 2;
  if (version === 0 && draft.wants.length === 0) throw refusal('the request asks git for nothing');
  const named = draft.capabilities.find((capability) => capability.startsWith('object-format='))?.slice('object-format='.length);
  const format = named === undefined ? (formatOfId(draft.wants[0] ?? '') ?? 'sha1') : named;
  if (format !== 'sha1' && format !== 'sha256') throw refusal('the request names an unknown object format');
  if (draft.capabilities.includes('sideband-all')) throw refusal('the request asks for sideband-all, which is not supported: unset the option of git that asks for it');
  if ([...draft.wants, ...draft.haves, ...draft.shallow].some((id) => formatOfId(id) !== format)) throw refusal(`the request names an object by something else than a ${format} id`);
  const { capabilities, ...asked } = draft;
  return { ...asked, depth: draft.depth, filter: draft.filter, version, command: command ?? 'fetch', format, sideband: version === 2 || capabilities.some((name) => name.startsWith('side-band')) };
}

function decodeRequest(request: InspectedRequest, body: Buffer): Buffer {
  const coding = request.header('content-encoding')?.trim().toLowerCase() ?? '';
  if (coding === '' || coding === 'identity') return body;
  if (coding !== 'gzip' && coding !== 'x-gzip') throw refusal(`the request has the content coding ${JSON.stringify(coding.slice(0, 32))}, which git does not use`);
  try {
    return gunzipSync(body, { maxOutputLength: decodedLimit });
  } catch (cause) {
    throw refusal('the request is not sound gzip data, or too large', cause);
  }
}

function readLine(line: string, draft: Draft): void {
  const space = line.indexOf(' ');
  const [word, value] = space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
  switch (word) {
    case 'want': {
      // In versions 0 and 1 the capabilities follow the first id.
      const [id = '', ...capabilities] = value.split(' ');
      draft.wants.push(id);
      draft.capabilities.push(...capabilities);
      return;
    }
    case 'want-ref':
      draft.wantedRefs.push(value);
      return;
    case 'have':
      draft.haves.push(value);
      return;
    case 'shallow':
      draft.shallow.push(value);
      return;
    case 'deepen':
      draft.depth = readDepth(value);
      return;
    case 'deepen-since':
    case 'deepen-not':
    case 'deepen-relative':
      draft.otherDeepening = true;
      return;
    case 'filter':
      draft.filter = value;
      return;
    default:
      draft.capabilities.push(line);
  }
}

function readDepth(value: string): number {
  if (!/^\d{1,10}$/.test(value)) throw refusal('the request has a depth that is no number');
  return Number(value);
}
