import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { networkOf } from '../../../libs/access/authentication/failed-logins.js';
import type { CacheAccess, CacheCaller, CacheCredentials } from '../../../libs/cache-access/cache-access.js';
import type { Push } from '../../../libs/cache-engine/artifact-cache.js';
import type { EntryOrigin } from '../../../libs/cache/cache-entry.js';
import { RequestMetadata } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { ClientCertificates } from './client-certificates.js';

/** What a method knows of the call besides its request. */
export interface CacheCall {
  readonly caller: CacheCaller;
  /** Whose share of what is scarce it takes: the caller's, or that of an address. */
  readonly owner: string;
  /** Ends with the call: cancelled, too late, the connection is gone, or the caller may do it no more. */
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

export interface OpenedCall {
  readonly cacheCall: CacheCall;
  /** Whether the caller would be let in now. Errors: those of `recheck`. */
  readonly judge: () => Promise<void>;
}

export interface CallOptions {
  readonly access: CacheAccess;
  readonly certificates: ClientCertificates | undefined;
  readonly signal: AbortSignal;
}

/** Errors: those of `identify`. */
export async function openCall(call: GrpcCall, { access, certificates, signal }: CallOptions): Promise<OpenedCall> {
  const der = call.getAuthContext().sslPeerCertificate?.raw;
  const certificate = der === undefined ? undefined : certificates?.begin(der);
  const shown = (): CacheCredentials => ({ authorization: textOf(call.metadata, 'authorization'), certificate: certificate?.(), peerAddress: addressOf(call.getPeer()) });
  const caller = await access.identify(shown());
  return {
    cacheCall: { caller, owner: caller.name === 'anonymous' ? networkOf(addressOf(call.getPeer())) : caller.name, signal, push: { by: caller.name, signal }, origin: access.origin(caller, saidOrigin(call.metadata)) },
    judge: () => access.recheck(caller, shown()),
  };
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
  return text.toWellFormed().replaceAll(/[\u0000-\u001f\u007f]/g, ' ').slice(0, originLength);
}

/** Without the port: `127.0.0.1:5`, `::1:5`. */
function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, '');
}
