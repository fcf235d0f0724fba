import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { findDeclarations, rememberDeclaredFiles } from '../declarations/declared-files.js';
import { parseDeclaredUrl } from '../declarations/declared-url.js';
import type { Assertion } from './assertion.js';
import type { Signer } from './known-keys.js';

/** What the store's API says of one revision of a snap. */
export interface StoredSnap {
  readonly name: string;
  readonly snapId: string;
  readonly revision: number;
  readonly version: string;
  /** Lower-case hex. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly url: string;
  readonly publisher: string;
  readonly license: string;
  readonly summary: string;
  readonly architecture: string;
  /** Of the revision, as the store writes it; empty when it does not say. */
  readonly created: string;
}

/** A stored snap, and the base of the API that told it: `https://host:443/v2`. */
export type DeclaredSnap = StoredSnap & { readonly api: string };

/** What a `snap-revision` assertion says of a file. */
export interface SnapRevision {
  readonly snapId: string;
  readonly revision: string;
  readonly size: number;
  readonly signer: Signer;
}

/** What a `snap-declaration` assertion says of a snap. */
export interface SnapDeclaration {
  readonly headers: Readonly<Record<string, string>>;
  readonly signer: Signer;
}

/** Remembers snaps by digest, and which digest belongs to which download URL. */
export async function rememberSnaps(context: InspectionContext, api: string, snaps: readonly StoredSnap[]): Promise<void> {
  for (const snap of snaps) {
    context.signal?.throwIfAborted();
    await context.knowledge.put(`snap/stored/${snap.digest}`, JSON.stringify({ ...snap, api } satisfies DeclaredSnap));
    const url = parseDeclaredUrl(snap.url);
    if (url === undefined) continue;
    await rememberDeclaredFiles(
      context.knowledge,
      { family: 'snap', origin: url.origin, name: url.path },
      { index: api, files: new Map([[url.path, [snap.digest]]]) },
    );
  }
}

export function findSnap(knowledge: SessionKnowledge, digest: string): Promise<DeclaredSnap | undefined> {
  return read<DeclaredSnap>(knowledge, `snap/stored/${digest}`);
}

/** Digests in hex that stores declared for a download URL. */
export async function findDigests(knowledge: SessionKnowledge, requestUrl: string): Promise<readonly string[]> {
  const url = parseDeclaredUrl(requestUrl);
  if (url === undefined) return [];
  const found = await findDeclarations(knowledge, { family: 'snap', origin: url.origin, name: url.path }, url.path);
  return found.map(({ declaration }) => declaration[0] ?? '');
}

/** Remembers what an assertion says, unless the same is known by a signature that is proved and this one is not. */
export async function rememberAssertion(context: InspectionContext, { type, headers }: Assertion, signer: Signer): Promise<void> {
  context.signal?.throwIfAborted();
  if (type === 'snap-revision') {
    const digest = Buffer.from(headers['snap-sha3-384'] ?? '', 'base64url').toString('hex');
    const said: SnapRevision = {
      snapId: headers['snap-id'] ?? '',
      revision: headers['snap-revision'] ?? '',
      size: Number(headers['snap-size'] ?? Number.NaN),
      signer,
    };
    await replaceUnproved(context.knowledge, `snap/revision/${digest}`, said);
  } else if (type === 'snap-declaration') {
    const said: SnapDeclaration = { headers, signer };
    await replaceUnproved(context.knowledge, `snap/declaration/${headers['snap-id'] ?? ''}`, said);
  }
}

export function findRevision(knowledge: SessionKnowledge, digest: string): Promise<SnapRevision | undefined> {
  return read<SnapRevision>(knowledge, `snap/revision/${digest}`);
}

export function findDeclaration(knowledge: SessionKnowledge, snapId: string): Promise<SnapDeclaration | undefined> {
  return read<SnapDeclaration>(knowledge, `snap/declaration/${snapId}`);
}

async function replaceUnproved(knowledge: SessionKnowledge, key: string, said: { readonly signer: Signer }): Promise<void> {
  const known = await read<{ readonly signer: Signer }>(knowledge, key);
  if (known?.signer.trust === 'root' && said.signer.trust !== 'root') return;
  await knowledge.put(key, JSON.stringify(said));
}

async function read<T>(knowledge: SessionKnowledge, key: string): Promise<T | undefined> {
  const value = await knowledge.get(key);
  return value === undefined ? undefined : (JSON.parse(value) as T); // written by this file only
}
