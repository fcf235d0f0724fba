import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { patienceToBegin } from '../cache-access/cache-rates.js';
import type { BlobReference } from '../cache/cache-entry.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { AssetCall } from './asset-call.js';
import type { AssetServices } from './asset-services.js';
import { fetchAsset } from './fetch-asset.js';
import { pushAsset } from './push-asset.js';

/** As BuildStream 1.93.5 and later name it, so that these are the same entries. */
export function artifactUri(key: string): string {
  return `urn:fdc:buildstream.build:2020:artifact:${key}`;
}

export function sourceUri(key: string): string {
  return `urn:fdc:buildstream.build:2020:source:${key}`;
}

/** Bytes of an Artifact or Source message. */
const messageBytes = 4 * 1024 * 1024;

/** The message that a later BuildStream pushes as a blob. Errors: `entry-not-found`, `invalid-request`, `unauthorized`, `forbidden`. */
export async function readStoredMessage(services: AssetServices, { instance, uri }: { readonly instance: string; readonly uri: string }, call: AssetCall): Promise<Buffer> {
  const asset = { instance, kind: 'blob', uris: [uri], qualifiers: [], oldestAccepted: undefined, timeout: undefined, digestFunction: 'sha256' } as const;
  const outcome = await fetchAsset(services, asset, call);
  if ('failure' in outcome) throw new MillraceError('internal', 'a URN is never downloaded');
  const { digest } = outcome.found;
  if (digest.size > messageBytes) throw new MillraceError('entry-not-found', `what is kept under ${uri} is no message of BuildStream`);
  const { content } = await services.cache.readBlob(services.cache.instance(instance).name, digest, { signal: call.signal });
  return buffer(content);
}

/** Errors: as of `pushAsset`; also `blob-not-found` when something that it names is not there, which its clients rely on. */
export async function storeMessage(services: AssetServices, stored: { readonly instance: string; readonly uri: string; readonly message: Buffer; readonly references: readonly BlobReference[] }, call: AssetCall): Promise<void> {
  const { cache, access } = services;
  const { uri, message, references } = stored;
  const instance = cache.instance(stored.instance).name;
  access.demand(call.caller, 'push', instance, { kind: 'blob', key: uri });
  const [missing] = await cache.findMissing(instance, references.map(({ digest }) => digest), { signal: call.signal });
  if (missing !== undefined) throw new MillraceError('blob-not-found', `${missing.hash} is not in the cache yet, and ${uri} needs it`, { suggestion: 'Push the blobs first.' });
  const digest = { function: 'sha256', hash: createHash('sha256').update(message).digest('hex'), size: message.length } as const;
  await access.count(call.caller, instance, message.length, { signal: call.signal, patience: patienceToBegin });
  const [problem] = await cache.writeBlobs(instance, [{ digest, content: message }], { by: call.caller.name, signal: call.signal });
  if (problem !== undefined) throw problem;
  await pushAsset(services, { instance, kind: 'blob', uris: [uri], qualifiers: [], target: { digest, shape: 'plain' }, references, expiresAt: undefined }, call);
}
