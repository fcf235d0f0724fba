import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { verifiedCertificate } from '../../../libs/access/authentication/certificates/shown-certificate.js';
import type { CacheAccess, CacheCaller } from '../../../libs/cache-access/cache-access.js';
import type { Push } from '../../../libs/cache-engine/artifact-cache.js';
import type { EntryOrigin } from '../../../libs/cache/cache-entry.js';
import { RequestMetadata } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';

/** What a method knows of the call besides its request. */
export interface CacheCall {
  readonly caller: CacheCaller;
  /** Ends with the call: cancelled, too late, or the connection is gone. */
  readonly signal: AbortSignal;
  readonly push: Push;
  /** What an entry that this call pushes says of where it came from. */
  readonly origin: EntryOrigin;
}

/** The side of a grpc-js call that all kinds of them have. */
export interface GrpcCall {
  readonly metadata: Metadata;
  getPeer(): string;
  readonly getAuthContext: ServerUnaryCall<unknown, unknown>['getAuthContext'];
}

const requestMetadataKey = 'build.bazel.remote.execution.v2.requestmetadata-bin';
const originLength = 500;

/** Errors: those of `identify`. */
export async function openCall(call: GrpcCall, { access, signal }: { readonly access: CacheAccess; readonly signal: AbortSignal }): Promise<CacheCall> {
  const der = call.getAuthContext().sslPeerCertificate?.raw;
  const caller = await access.identify({
    authorization: textOf(call.metadata, 'authorization'),
    certificate: der === undefined ? undefined : verifiedCertificate(der),
    peerAddress: addressOf(call.getPeer()),
  });
  return { caller, signal, push: { by: caller.name, signal }, origin: access.origin(caller, saidOrigin(call.metadata)) };
}

/** What clients say by themselves: which build and tool they are, and which session their inputs came through. */
function saidOrigin(metadata: Metadata): EntryOrigin {
  const said = readRequestMetadata(metadata);
  const tool = said?.toolDetails === undefined ? textOf(metadata, 'user-agent') : [said.toolDetails.toolName, said.toolDetails.toolVersion].filter((part) => part !== '').join('/');
  const build = textOf(metadata, 'millrace-build') ?? [said?.correlatedInvocationsId, said?.toolInvocationId].find((id) => id !== undefined && id !== '');
  const session = textOf(metadata, 'millrace-session');
  return {
    ...(session === undefined ? {} : { session: limited(session) }),
    ...(build === undefined ? {} : { build: limited(build) }),
    ...(tool === undefined || tool === '' ? {} : { tool: limited(tool) }),
  };
}

/** It is for the record only: what cannot be read is left out. */
function readRequestMetadata(metadata: Metadata): RequestMetadata | undefined {
  const [bytes] = metadata.get(requestMetadataKey);
  if (!Buffer.isBuffer(bytes)) return undefined;
  try {
    return RequestMetadata.decode(bytes);
  } catch {
    return undefined;
  }
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key);
  return typeof value === 'string' ? value : undefined;
}

function limited(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.toWellFormed().replaceAll(/[\u0000-\u001f\u007f]/g, ' ').slice(0, originLength);
}

/** Without the port: `127.0.0.1:5`, `::1:5`. */
function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, '');
}
