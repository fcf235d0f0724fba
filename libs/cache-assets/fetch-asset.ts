import type { CacheDigest, DigestFunction } from '../cache/cache-digest.js';
import type { CacheEntry, EntryName } from '../cache/cache-entry.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { OriginFailure } from './asset-downloads.js';
import { assetNames, type AssetRequest } from './asset-names.js';
import type { AssetCall } from './asset-call.js';
import type { AssetServices } from './asset-services.js';
import { readTarget } from './asset-target.js';
import { carriesCredentials, readDownloadQualifiers } from './request-qualifiers.js';

export interface FetchedAsset extends AssetRequest {
  /** ISO 8601 UTC: content that was pushed or downloaded before is no answer. */
  readonly oldestAccepted: string | undefined;
  /** Milliseconds for a download; undefined: the service's own. */
  readonly timeout: number | undefined;
  readonly digestFunction: DigestFunction;
}

/** `failure`: the asset's own server is to blame, which clients are told inside of an answer. */
export type FetchOutcome = { readonly found: FoundAsset } | { readonly failure: OriginFailure };

export interface FoundAsset {
  readonly uri: string;
  readonly qualifiers: Readonly<Record<string, string>>;
  readonly digest: CacheDigest;
  /** ISO 8601 UTC: its blobs stay at least until then; undefined: another server has them. */
  readonly keptUntil: string | undefined;
}

/**
 * The first of the URIs under which an asset is there whole, or can be downloaded. Errors: `entry-not-found` for one that nobody knows (and for one whose blobs are gone, which is the
 * same to a client), `unauthorized`, `forbidden`, `invalid-request`.
 */
export async function fetchAsset(services: AssetServices, asset: FetchedAsset, call: AssetCall): Promise<FetchOutcome> {
  const { cache, access } = services;
  const instance = cache.instance(asset.instance).name;
  access.demand(call.caller, 'pull', instance);
  const names = assetNames({ ...asset, instance });
  const found = await findAny(services, pushable(names), { asset, call });
  if (found !== undefined) {
    access.took(call.caller, found.entry, 'pulled');
    return { found: foundAsset(services, found.entry, found.digest) };
  }
  return (await download(services, names, { asset, call })) ?? missing(asset);
}

interface Asked {
  readonly asset: FetchedAsset;
  readonly call: AssetCall;
}

async function findAny({ cache, access }: AssetServices, names: readonly EntryName[], { asset, call }: Asked): Promise<{ readonly entry: CacheEntry; readonly digest: CacheDigest } | undefined> {
  for (const name of names) {
    access.demand(call.caller, 'pull', name.instance, name);
    const entry = await cache.findEntry(name, { signal: call.signal });
    const digest = entry === undefined ? undefined : readTarget(entry);
    if (entry === undefined || digest?.function !== asset.digestFunction) continue;
    if (asset.oldestAccepted !== undefined && ageOf(entry) < Date.parse(asset.oldestAccepted)) continue;
    return { entry, digest };
  }
  return undefined;
}

/** A download is as old as its beginning. */
function ageOf({ properties, pushedAt }: CacheEntry): number {
  return Date.parse(properties['downloaded-at'] ?? pushedAt);
}

/** How a download is to be asked for is no part of a name: with a checksum the content is the same, without one nothing was kept. */
function pushable(names: readonly EntryName[]): readonly EntryName[] {
  const [first] = names;
  if (first === undefined || !Object.keys(first.qualifiers).some(carriesCredentials)) return names;
  if (first.qualifiers['checksum.sri'] === undefined) return [];
  const qualifiers = Object.fromEntries(Object.entries(first.qualifiers).filter(([name]) => !carriesCredentials(name)));
  return names.map((name) => ({ ...name, qualifiers }));
}

async function download(services: AssetServices, names: readonly EntryName[], { asset, call }: Asked): Promise<FetchOutcome | undefined> {
  const { downloads, access } = services;
  const [first] = names;
  if (downloads === undefined || first === undefined || asset.kind !== 'blob' || !downloads.allowed(first.instance)) return undefined;
  // A place in the list of the request is what `http_header_url:<n>:…` means.
  const sources = asset.uris.flatMap((uri, position) => (/^https?:/i.test(uri) ? [{ uri, position }] : []));
  if (sources.length === 0) return undefined;
  const qualifiers = readDownloadQualifiers(first.qualifiers);
  let failure: OriginFailure | undefined;
  for (const { uri, position } of sources) {
    const refused = refusal(() => access.demand(call.caller, 'push', first.instance, { kind: 'blob', key: uri }));
    const outcome = refused === undefined ? await downloads.download({ instance: first.instance, uri, qualifiers: qualifiers.kept, headers: qualifiers.headersFor(position), checksum: qualifiers.checksum, digestFunction: asset.digestFunction, timeout: asset.timeout, notBefore: asset.oldestAccepted }, call) : { failure: { uri, reason: 'refused' as const, message: refused } };
    if ('digest' in outcome) return { found: foundAsset(services, { instance: first.instance, key: uri, qualifiers: qualifiers.kept, expiresAt: undefined }, outcome.digest) };
    failure = outcome.failure;
  }
  return failure === undefined ? undefined : { failure };
}

/** Downloading is pushing; whoever may not is told why, unless credentials are what is missing. */
function refusal(demand: () => void): string | undefined {
  try {
    demand();
    return undefined;
  } catch (error) {
    if (error instanceof MillraceError && (error.code === 'forbidden' || error.code === 'unauthorized')) return error.message;
    throw error;
  }
}

function foundAsset({ cache, now }: AssetServices, name: Pick<CacheEntry, 'instance' | 'key' | 'qualifiers' | 'expiresAt'>, digest: CacheDigest): FoundAsset {
  const { lease, storageElsewhere } = cache.instance(name.instance);
  if (storageElsewhere === true) return { uri: name.key, qualifiers: name.qualifiers, digest, keptUntil: undefined };
  const leased = new Date((now?.() ?? new Date()).getTime() + lease * 1000).toISOString();
  const keptUntil = name.expiresAt !== undefined && Date.parse(name.expiresAt) < Date.parse(leased) ? name.expiresAt : leased;
  return { uri: name.key, qualifiers: name.qualifiers, digest, keptUntil };
}

function missing({ uris, kind }: FetchedAsset): never {
  throw new MillraceError('entry-not-found', `no ${kind} is kept under ${uris.length === 1 ? uris[0] : `${uris[0]} or ${uris.length - 1} others`}`);
}
