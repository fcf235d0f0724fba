import { createHash } from 'node:crypto';
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { isMillraceError } from '../errors/millrace-error.js';
import { parseBoundedJson } from '../inspection/bounded-json.js';
import { parseContentCodings, type ContentCoding } from '../inspection/content-decoding.js';
import { limitExceeded, refusal } from '../inspection/refusal.js';
import type { BusMessage } from '../compose-rules/bus-message.js';

/** What a bus brought, before anybody has looked at it. */
export interface RawMessage {
  readonly bus: string;
  /** As the sender gave it; null: none. */
  readonly id: string | null;
  readonly topic: string;
  /** `Content-Encoding`, or AMQP's property of that name; null: none. */
  readonly encoding: string | null;
  readonly bytes: Buffer;
  /** What the transport has found wrong with it already. */
  readonly unreadable?: string;
}

/** Bytes, as they came and as they were decoded. */
export const messageLimit = 1024 * 1024;
const jsonLimits = { depth: 64, containers: 100_000, values: 200_000 };
const longestTopic = 1024;
const longestId = 255;
const longestExcerpt = 1000;

type Decoder = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer;
const decoders: Readonly<Record<ContentCoding, Decoder>> = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

/** Errors: `invalid-request`, `payload-too-large`, with a reason for an operator. */
export function readBusMessage(raw: RawMessage): BusMessage {
  if (raw.unreadable !== undefined) throw refusal(raw.unreadable);
  if (raw.bytes.length > messageLimit) throw limitExceeded(`the message is larger than ${messageLimit} bytes`);
  if (raw.topic === '' || raw.topic.length > longestTopic || hasControls(raw.topic)) throw refusal(`the topic is not text of 1 to ${longestTopic} characters`);
  const body = parseBoundedJson(decode(raw.bytes, raw.encoding), jsonLimits);
  return { bus: raw.bus, id: idOf(raw), topic: raw.topic, body };
}

/** First bytes as one line of text. */
export function excerptOf({ bytes }: Pick<RawMessage, 'bytes'>): string {
  const text = bytes.subarray(0, longestExcerpt).toString('utf8');
  return bytes.length > longestExcerpt ? `${text}…` : text;
}

/** Bytes that its body has at most, decoded. */
export function largestDecoded({ bytes, encoding }: Pick<RawMessage, 'bytes' | 'encoding'>): number {
  return isCoded(encoding) ? messageLimit : bytes.length;
}

/** fedora-messaging names the character set here. */
function isCoded(encoding: string | null): encoding is string {
  return encoding !== null && !/^utf-?8$/i.test(encoding.trim());
}

function decode(bytes: Buffer, encoding: string | null): Buffer {
  const codings = isCoded(encoding) ? parseContentCodings(encoding) : [];
  let decoded = bytes;
  for (const coding of codings.toReversed()) {
    try {
      decoded = decoders[coding](decoded, { maxOutputLength: messageLimit });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw limitExceeded(`the message decodes to more than ${messageLimit} bytes`);
      throw refusal(`the content coding ${coding} could not be undone`, error);
    }
  }
  return decoded;
}

/** Equal ids of a bus are one message: without a usable one of the sender, equal topics and bodies are. */
function idOf({ id, topic, bytes }: RawMessage): string {
  if (id === null || id === '') return createHash('sha256').update(topic).update('\0').update(bytes).digest('hex');
  if (id.length > longestId || hasControls(id)) return createHash('sha256').update(id).digest('hex');
  return id;
}

function hasControls(text: string): boolean {
  return /[\0-\x1f\x7f]/.test(text) || !text.isWellFormed();
}

/** Whether the message itself is the reason, and not what it was handed to. */
export function isUnreadable(error: unknown): boolean {
  return isMillraceError(error) && (error.code === 'invalid-request' || error.code === 'payload-too-large');
}
