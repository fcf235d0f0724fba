import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { findDeclarations, rememberDeclaredFiles, type DeclarationKey } from '../declarations/declared-files.js';
import type { SumRecord } from './sum-record.js';

/** What a checksum database said of a release in this session. */
export interface DeclaredSums extends SumRecord {
  readonly database: string;
  /** Whether a signed tree head came with it, that a configured key verified. */
  readonly signed: boolean;
}

/** A release as `module@version`. */
type Release = string;

/** `signal`: see `rememberDeclaredFiles`. */
type Learning = Pick<InspectionContext, 'knowledge' | 'signal'>;

export async function rememberSums({ knowledge, signal }: Learning, release: Release, sums: DeclaredSums): Promise<void> {
  const declaration = [sums.zip, sums.goMod, String(sums.id), sums.text, sums.signed ? 'signed' : ''];
  await rememberDeclaredFiles(knowledge, sumsOf(release), { index: sums.database, files: new Map([['sums', declaration]]), signal });
}

/** One for every database that was asked. */
export async function findSums(knowledge: SessionKnowledge, release: Release): Promise<readonly DeclaredSums[]> {
  const found = await findDeclarations(knowledge, sumsOf(release), 'sums');
  return found.map(({ index, declaration: [zip = '', goMod = '', id = '', text = '', signed = ''] }) => {
    return { database: index, zip, goMod, id: Number(id), text, signed: signed === 'signed' };
  });
}

/** Notes what a build was given as a go.mod: `go` takes it before it asks the database. */
export async function rememberGoMod({ knowledge, signal }: Learning, release: Release, { url, hash }: { url: string; hash: string }): Promise<void> {
  await rememberDeclaredFiles(knowledge, goModsOf(release), { index: url, files: new Map([['go.mod', [hash]]]), signal });
}

/** Hashes of all that this session was given as the go.mod of a release. */
export async function findGoMods(knowledge: SessionKnowledge, release: Release): Promise<readonly string[]> {
  return (await findDeclarations(knowledge, goModsOf(release), 'go.mod')).map(({ declaration }) => declaration[0] ?? '');
}

function sumsOf(release: Release): DeclarationKey {
  return { family: 'go', origin: 'sums', name: release };
}

function goModsOf(release: Release): DeclarationKey {
  return { family: 'go', origin: 'go.mod', name: release };
}
