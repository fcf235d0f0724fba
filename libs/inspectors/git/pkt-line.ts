import { refusal } from '../../inspection/refusal.js';

/** One pkt-line of git's protocols (gitprotocol-common, gitprotocol-v2). */
export type Packet = DataPacket | { readonly kind: 'flush' | 'delimiter' | 'response-end' };

export interface DataPacket {
  readonly kind: 'data';
  readonly bytes: Buffer;
  /** Of `bytes`, from the start of the stream. */
  readonly offset: number;
}

export interface PacketReader {
  /** Undefined at the end. Throws for a length that is none and for a stream that ends in between. */
  next(): Promise<Packet | undefined>;
  /** The next bytes without taking them; fewer at the end. */
  peek(length: number): Promise<Buffer>;
  /** All that is left, not as packets. */
  rest(): AsyncGenerator<{ readonly bytes: Buffer; readonly offset: number }>;
}

/** The longest pkt-line, its four digits included. */
const maxPacket = 65_520;

/** Reads packets from hostile bytes; keeps one packet and one chunk in memory. */
export function createPacketReader(chunks: AsyncIterator<Buffer>): PacketReader {
  let current: Buffer = Buffer.alloc(0);
  let position = 0;

  async function fill(length: number): Promise<boolean> {
    while (current.length < length) {
      const next = await chunks.next();
      if (next.done === true) return false;
      current = current.length === 0 ? next.value : Buffer.concat([current, next.value]);
    }
    return true;
  }

  function take(length: number): Buffer {
    const taken = current.subarray(0, length);
    current = current.subarray(length);
    position += length;
    return taken;
  }

  return {
    async next() {
      if (!(await fill(4))) {
        if (current.length === 0) return undefined;
        throw refusal('the git answer is truncated');
      }
      const digits = take(4).toString('latin1');
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw refusal('the git answer is corrupt: a packet has no length');
      const length = Number.parseInt(digits, 16);
      if (length === 0) return { kind: 'flush' };
      if (length === 1) return { kind: 'delimiter' };
      if (length === 2) return { kind: 'response-end' };
      if (length === 3 || length > maxPacket) throw refusal(`the git answer is corrupt: a packet has the length ${length}`);
      if (!(await fill(length - 4))) throw refusal('the git answer is truncated');
      const offset = position;
      return { kind: 'data', bytes: take(length - 4), offset };
    },
    async peek(length) {
      await fill(length);
      return current.subarray(0, length);
    },
    async *rest() {
      while (await fill(1)) {
        const offset = position;
        yield { bytes: take(current.length), offset };
      }
    },
  };
}

/** All packets of a buffer that the caller has bounded. */
export async function readPackets(bytes: Buffer): Promise<readonly Packet[]> {
  const reader = createPacketReader(oneChunk(bytes));
  const packets: Packet[] = [];
  for (let packet = await reader.next(); packet !== undefined; packet = await reader.next()) packets.push(packet);
  return packets;
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}

/** The text of a packet without the line feed at its end. */
export function packetText({ bytes }: DataPacket): string {
  const end = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
  return bytes.toString('utf8', 0, end);
}
