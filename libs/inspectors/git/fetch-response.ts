import type { InspectedBody, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { formatOfId, type ObjectFormat } from './object-id.js';
import { createPackCollector, type PackBytes, type PackCollector } from './pack-bytes.js';
import { createPacketReader, packetText, type DataPacket, type PacketReader } from './pkt-line.js';
import type { UploadPackRequest } from './upload-pack-request.js';
import type { Ref } from './ref-listing.js';

/** The answer to a fetch. Without a pack it only negotiates, or says what is shallow. */
export interface FetchResponse {
  /** Commits, in hex, that stand without their parents from now on. */
  readonly shallow: readonly string[];
  readonly unshallow: readonly string[];
  /** What refs that were wanted by name stand for. */
  readonly wantedRefs: readonly Ref[];
  /** The caller closes it. */
  readonly pack: PackBytes | undefined;
}

interface Draft {
  readonly shallow: string[];
  readonly unshallow: string[];
  readonly wantedRefs: Ref[];
  readonly collector: PackCollector;
}

const maxLines = 1_000_000;
const dataBand = 1;
const errorBand = 3;

/** Reads the whole answer to a fetch of any protocol version. Throws the reason when it is damaged, cut off, or an error of the server's. */
export async function readFetchResponse(
  body: InspectedBody,
  request: UploadPackRequest,
  { response, signal }: { response: InspectedResponse; signal: InspectionContext['signal'] },
): Promise<FetchResponse> {
  const coding = response.header('content-encoding')?.trim() ?? '';
  const file = coding === '' || coding === 'identity' ? body.file : undefined;
  const draft: Draft = { shallow: [], unshallow: [], wantedRefs: [], collector: createPackCollector(file, request.format) };
  const stream = body.open();
  try {
    const reader = createPacketReader(abortable(stream as AsyncIterable<Buffer>, signal));
    if (request.version === 2) await readSections(reader, draft, request.format);
    else await readLegacy(reader, draft, request);
  } finally {
    stream.destroy();
  }
  const { shallow, unshallow, wantedRefs, collector } = draft;
  return { shallow, unshallow, wantedRefs, pack: collector.size === 0 ? undefined : await collector.finish() };
}

async function* abortable(chunks: AsyncIterable<Buffer>, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

/** Version 2: sections with a name, a delimiter between them, a flush at the end (gitprotocol-v2, "fetch"). */
async function readSections(reader: PacketReader, draft: Draft, format: ObjectFormat): Promise<void> {
  let section: string | undefined;
  let lines = 0;
  for (;;) {
    const packet = await reader.next();
    if (packet === undefined) throw refusal('the git answer is truncated');
    if (packet.kind === 'flush') return checkEnd(reader);
    if (packet.kind === 'delimiter') {
      section = undefined;
      continue;
    }
    if (packet.kind !== 'data') throw refusal('the git answer ends in a way that HTTP has not');
    checkError(packet);
    if (section === undefined) section = packetText(packet);
    else if (section === 'packfile') readBand(packet, draft.collector);
    else if ((lines += 1) > maxLines) throw limitExceeded(`the git answer has more than ${maxLines} lines`);
    else readSectionLine(section, packetText(packet), { draft, format });
  }
}

function readSectionLine(section: string, line: string, { draft, format }: { draft: Draft; format: ObjectFormat }): void {
  if (section === 'acknowledgments') {
    if (line !== 'NAK' && line !== 'ready' && !/^ACK [0-9a-f]{40,64}$/.test(line)) throw refusal('the git answer has an acknowledgment that is none');
  } else if (section === 'shallow-info') {
    readShallow(line, draft, format);
  } else if (section === 'wanted-refs') {
    const [id = '', name = ''] = line.split(' ');
    draft.wantedRefs.push({ id: checkId(id, format), name });
  } else if (section === 'packfile-uris') {
    throw refusal('the git server sends a part of the pack from elsewhere (packfile-uris), which is not supported: unset fetch.uriProtocols in git');
  } else {
    throw refusal(`the git answer has the unknown section ${JSON.stringify(section.slice(0, 60))}`);
  }
}

/** Versions 0 and 1: shallow lines and a flush, acknowledgments, then the pack (gitprotocol-pack). */
async function readLegacy(reader: PacketReader, draft: Draft, request: UploadPackRequest): Promise<void> {
  for (let lines = 0; lines < maxLines; lines += 1) {
    if (!request.sideband && (await reader.peek(4)).toString('latin1') === 'PACK') {
      for await (const { bytes, offset } of reader.rest()) draft.collector.add(bytes, offset);
      return;
    }
    const packet = await reader.next();
    // An answer that only negotiates ends here, or with the flush after its shallow lines.
    if (packet === undefined) return;
    if (packet.kind === 'flush') {
      if (draft.collector.size > 0) return checkEnd(reader);
      continue;
    }
    if (packet.kind !== 'data') throw refusal('the git answer has a packet that its protocol version does not know');
    checkError(packet);
    const line = packetText(packet);
    if (isBand(packet) && request.sideband) readBand(packet, draft.collector);
    else if (draft.collector.size > 0) throw refusal('the git answer has a line in the middle of its pack');
    else if (/^(?:un)?shallow /.test(line)) readShallow(line, draft, request.format);
    else if (line !== 'NAK' && !/^ACK [0-9a-f]{40,64}(?: (?:continue|common|ready))?$/.test(line)) throw refusal('the git answer has a line that is neither an acknowledgment nor a part of a pack');
    // The packets of a pack are not counted: its pieces have a limit of their own.
    if (draft.collector.size > 0) lines = 0;
  }
  throw limitExceeded(`the git answer has more than ${maxLines} lines`);
}

function isBand({ bytes }: DataPacket): boolean {
  return bytes.length > 0 && (bytes[0] as number) <= errorBand;
}

/** One byte tells what follows: 1 a part of the pack, 2 progress for the user, 3 an error. */
function readBand({ bytes, offset }: DataPacket, collector: PackCollector): void {
  if (bytes[0] === dataBand) {
    if (bytes.length > 1) collector.add(bytes.subarray(1), offset + 1);
  } else if (bytes[0] === errorBand) {
    throw refusal(`the git server answers with an error: ${bytes.toString('utf8', 1, 500).trim()}`);
  } else if (bytes[0] !== 2) {
    throw refusal('the git answer has a packet in an unknown band');
  }
}

function checkError({ bytes }: DataPacket): void {
  if (bytes.length > 4 && bytes.toString('latin1', 0, 4) === 'ERR ') throw refusal(`the git server answers with an error: ${bytes.toString('utf8', 4, 500).trim()}`);
}

function readShallow(line: string, draft: Draft, format: ObjectFormat): void {
  const [word, id = ''] = line.split(' ');
  if (word === 'shallow') draft.shallow.push(checkId(id, format));
  else if (word === 'unshallow') draft.unshallow.push(checkId(id, format));
  else throw refusal('the git answer has a shallow line that is none');
}

function checkId(id: string, format: ObjectFormat): string {
  if (formatOfId(id) !== format) throw refusal(`the git answer names an object by something that is no ${format} id`);
  return id;
}

async function checkEnd(reader: PacketReader): Promise<void> {
  if ((await reader.peek(1)).length > 0) throw refusal('the git answer has data after its end');
}
