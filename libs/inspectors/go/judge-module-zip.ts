import type { ResponseInspection } from '../../inspection/inspector.js';
import { findGoMods, findSums, type DeclaredSums } from './module-sums.js';
import { findTreeHeads } from './tree-head.js';
import { proveRecord } from './tree-proof.js';
import { readTile } from './known-tiles.js';
import type { SessionKnowledge } from '../../inspection/inspector.js';

interface JudgedZip {
  readonly module: string;
  readonly version: string;
  /** Of the zip that was received. */
  readonly hash: string;
}

/** The opinion on a module zip that is sound in itself. */
export async function judgeModuleZip(zip: JudgedZip, knowledge: SessionKnowledge): Promise<ResponseInspection> {
  const release = `${zip.module}@${zip.version}`;
  const sums = (await findSums(knowledge, release)).filter((declared) => declared.zip !== '');
  if (sums.length === 0) {
    return {
      opinion: 'Unknown',
      reason: `the module zip is sound, but no checksum database was asked for ${release} in this session: its hash ${zip.hash} cannot be checked; go asks only for what go.sum does not have, so fetch it without its lines in go.sum and with GOSUMDB on`,
    };
  }
  for (const declared of sums) {
    if (declared.zip !== zip.hash) return { opinion: 'Rejected', reason: `the module zip's hash ${zip.hash} is not the one that the checksum database has for ${release}` };
    const problem = await checkRecord(declared, knowledge);
    if (problem !== undefined) return problem;
  }
  for (const declared of sums) {
    const mods = await findGoMods(knowledge, release);
    if (declared.goMod !== '' && mods.some((hash) => hash !== declared.goMod)) {
      return { opinion: 'Rejected', reason: `a go.mod that this session was given for ${release} is not the one that the checksum database has` };
    }
  }
  const signed = sums.some((declared) => declared.signed);
  return {
    opinion: 'Approved',
    reason: signed
      ? 'valid Go module, its hash is in the signed checksum database'
      : 'valid Go module, its hash is what the checksum database answered; the signature was not checked, because no verifier key is configured ("go.sumdb")',
    annotations: { 'declared-by': sums.map(({ database }) => database), 'checked-hash': zip.hash, 'signature-checked': signed },
  };
}

/** Why a signed record does not count; undefined when it does, or when no key is there to tell. */
async function checkRecord(declared: DeclaredSums, knowledge: SessionKnowledge): Promise<ResponseInspection | undefined> {
  if (!declared.signed) return undefined;
  let wrong = false;
  for (const head of await findTreeHeads(knowledge, declared.database)) {
    const result = await proveRecord(declared, head, (level, index) => readTile(knowledge, declared.database, { level, index }));
    if (result === 'proved') return undefined;
    wrong ||= result === 'wrong';
  }
  if (wrong) return { opinion: 'Rejected', reason: "the checksum database's record is not in its signed tree" };
  return {
    opinion: 'Unknown',
    reason: 'the module zip has the hash that the checksum database answered, but the tiles that prove the record to be in its signed tree were not fetched in this session; start with an empty GOMODCACHE and GOPATH/pkg/sumdb',
  };
}
