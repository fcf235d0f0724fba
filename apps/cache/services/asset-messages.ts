import type { FetchedAsset, FetchOutcome, FoundAsset } from '../../../libs/cache-assets/fetch-asset.js';
import type { AssetKind, AssetRequest, Qualifier } from '../../../libs/cache-assets/asset-names.js';
import type { OriginFailure } from '../../../libs/cache-assets/asset-downloads.js';
import type { PushedAsset } from '../../../libs/cache-assets/push-asset.js';
import type { BlobShape } from '../../../libs/cache/cache-entry.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { DigestFunction_Value, type Digest } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { Duration } from '../../../libs/remote-apis/generated/google/protobuf/duration.js';
import type { Timestamp } from '../../../libs/remote-apis/generated/google/protobuf/timestamp.js';
import type { Status } from '../../../libs/remote-apis/generated/google/rpc/status.js';
import { demandDigest, digestFunctionOf, wireDigest, wireFunctionOf } from './wire-digest.js';

/** What FetchBlob and FetchDirectory have in common. */
interface FetchMessage {
  readonly instanceName: string;
  readonly timeout: Duration | undefined;
  readonly oldestContentAccepted: Timestamp | undefined;
  readonly uris: string[];
  readonly qualifiers: Qualifier[];
  readonly digestFunction: DigestFunction_Value;
}

/** What PushBlob and PushDirectory have in common. */
interface PushMessage {
  readonly instanceName: string;
  readonly uris: string[];
  readonly qualifiers: Qualifier[];
  readonly expireAt: Timestamp | undefined;
  readonly referencesBlobs: Digest[];
  readonly referencesDirectories: Digest[];
  readonly digestFunction: DigestFunction_Value;
}

export function readFetch(kind: AssetKind, message: FetchMessage): FetchedAsset {
  return {
    ...readName(kind, message),
    oldestAccepted: readTimestamp(message.oldestContentAccepted, 'oldest_content_accepted'),
    timeout: readDuration(message.timeout),
    digestFunction: digestFunctionOf(message.digestFunction),
  };
}

export function readPush(kind: AssetKind, message: PushMessage, digest: Digest | undefined): PushedAsset {
  const named = digestFunctionOf(message.digestFunction);
  const reference = (shape: BlobShape, what: string) => (each: Digest) => ({ digest: demandDigest(each, { digests: named, what }), shape });
  return {
    ...readName(kind, message),
    target: digest === undefined ? undefined : reference(kind === 'blob' ? 'plain' : 'directory', `the digest of the ${kind}`)(digest),
    references: [...message.referencesBlobs.map(reference('plain', 'a digest of references_blobs')), ...message.referencesDirectories.map(reference('directory', 'a digest of references_directories'))],
    expiresAt: readTimestamp(message.expireAt, 'expire_at'),
  };
}

function readName(kind: AssetKind, { instanceName, uris, qualifiers }: FetchMessage | PushMessage): AssetRequest {
  return { instance: instanceName, kind, uris, qualifiers };
}

function readTimestamp(timestamp: Timestamp | undefined, field: string): string | undefined {
  if (timestamp === undefined) return undefined;
  const date = new Date(timestamp.seconds * 1000 + Math.trunc(timestamp.nanos / 1e6));
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 1) throw new MillraceError('invalid-request', `${field} is no time between the years 1 and 9999`);
  return date.toISOString();
}

function readDuration(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const milliseconds = duration.seconds * 1000 + Math.trunc(duration.nanos / 1e6);
  if (!(milliseconds > 0)) throw new MillraceError('invalid-request', 'timeout is longer than no time at all');
  return milliseconds;
}

/** An answer to a fetch, with the digest in the field of its kind. */
export interface FetchAnswer {
  status: Status | undefined;
  uri: string;
  qualifiers: Qualifier[];
  expiresAt: Timestamp | undefined;
  digest: Digest | undefined;
  digestFunction: DigestFunction_Value;
}

export function writeFetch(outcome: FetchOutcome): FetchAnswer {
  return 'found' in outcome ? writeFound(outcome.found) : writeFailure(outcome.failure);
}

function writeFound({ uri, qualifiers, digest, keptUntil }: FoundAsset): FetchAnswer {
  const until = keptUntil === undefined ? undefined : Date.parse(keptUntil);
  return {
    status: { code: 0, message: '', details: [] },
    uri,
    qualifiers: Object.entries(qualifiers).map(([name, value]) => ({ name, value })),
    expiresAt: until === undefined ? undefined : { seconds: Math.floor(until / 1000), nanos: (until % 1000) * 1e6 },
    digest: wireDigest(digest),
    digestFunction: wireFunctionOf(digest.function),
  };
}

/** Codes of google.rpc.Code, as the Remote Asset API gives them for what is no fault of the server's. */
const failureCodes: Readonly<Record<OriginFailure['reason'], number>> = { 'not-found': 5, refused: 7, 'timed-out': 4, inconsistent: 10, 'too-large': 8, unavailable: 14 };

function writeFailure({ uri, reason, message }: OriginFailure): FetchAnswer {
  return { status: { code: failureCodes[reason], message: `${uri}: ${message}`, details: [] }, uri, qualifiers: [], expiresAt: undefined, digest: undefined, digestFunction: DigestFunction_Value.UNKNOWN };
}
