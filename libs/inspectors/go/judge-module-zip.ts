import type { InspectionContext, ResponseInspection } from '../../inspection/inspector.js';
import { consultDatabases, consultedTiles } from './consult-database.js';
import { readTile } from './known-tiles.js';
import { findGoMods, findSums, type DeclaredSums } from './module-sums.js';
import { findTreeHeads } from './tree-head.js';
import { proveRecord } from './tree-proof.js';

interface JudgedZip {
  readonly module: string;
  readonly version: string;
  /** Of the zip that was received. */
  readonly hash: string;
}

/** Where more can be asked. */
interface Place {
  /** URL of the module proxy, without `/` at its end. */
  readonly proxy: string;
  readonly context: InspectionContext;
}

/** The opinion on a module zip that is sound in itself. */
export async function judgeModuleZip(zip: JudgedZip, place: Place): Promise<ResponseInspection> {
  const { knowledge } = place.context;
  const release = `${zip.module}@${zip.version}`;
  const { sums, told, advice } = await findOrConsult(zip, place);
  if (sums.length === 0) {
    return {
      opinion: 'Unknown',
      reason: `the module zip is sound, but no checksum database ${told} ${release} in this session: its hash ${zip.hash} cannot be checked; ${advice}`,
    };
  }
  for (const declared of sums) {
    if (declared.zip !== zip.hash) return { opinion: 'Rejected', reason: `the module zip's hash ${zip.hash} is not the one that the checksum database has for ${release}` };
    const problem = await checkRecord(declared, place);
    if (problem !== undefined) return problem;
  }
  for (const declared of sums) {
    const mods = await findGoMods(knowledge, release);
    if (declared.goMod !== '' && mods.some((hash) => hash !== declared.goMod)) {
      return { opinion: 'Rejected', reason: `a go.mod that this session was given for ${release} is not the one that the checksum database has` };
    }
  }
  return approve(zip, sums);
}

function approve(zip: JudgedZip, sums: readonly DeclaredSums[]): ResponseInspection {
  const signed = sums.some((declared) => declared.signed);
  return {
    opinion: 'Approved',
    reason: signed
      ? 'valid Go module, its hash is in the signed checksum database'
      : 'valid Go module, its hash is what the checksum database answered; the signature was not checked, because no verifier key is configured ("go.sumdb")',
    annotations: { 'declared-by': sums.map(({ database }) => database), 'checked-hash': zip.hash, 'signature-checked': signed },
  };
}

async function findOrConsult(zip: JudgedZip, { proxy, context }: Place): Promise<{ sums: readonly DeclaredSums[]; told: string; advice: string }> {
  const find = async (): Promise<readonly DeclaredSums[]> => (await findSums(context.knowledge, `${zip.module}@${zip.version}`)).filter((declared) => declared.zip !== '');
  const known = await find();
  if (known.length > 0) return { sums: known, told: '', advice: '' };
  const why = await consultDatabases({ ...zip, proxy }, context);
  if (why !== undefined) return { sums: [], told: 'was asked for', advice: why };
  return { sums: await find(), told: 'told of', advice: 'the configured ones were asked, see the report; when the module is private, pin its digest in the policy' };
}

/** Why a signed record does not count; undefined when it does, or when no key is there to tell. */
async function checkRecord(declared: DeclaredSums, place: Place): Promise<ResponseInspection | undefined> {
  if (!declared.signed) return undefined;
  const result = await proveInTree(declared, place);
  if (result === 'proved') return undefined;
  if (result === 'wrong') return { opinion: 'Rejected', reason: "the checksum database's record is not in its signed tree" };
  return {
    opinion: 'Unknown',
    reason: 'the module zip has the hash that the checksum database answered, but the tiles that prove the record to be in its signed tree could not be had; start with an empty GOMODCACHE and GOPATH/pkg/sumdb',
  };
}

/** Whether a record is in one of the signed trees that the session has seen of its database; tiles that are missing are asked for, of the newest tree. */
export async function proveInTree(declared: DeclaredSums, place: Place): Promise<'proved' | 'missing' | 'wrong'> {
  const { knowledge } = place.context;
  const heads = await findTreeHeads(knowledge, declared.database);
  let wrong = false;
  for (const head of heads) {
    const result = await proveRecord(declared, head, (level, index) => readTile(knowledge, declared.database, { level, index }));
    if (result === 'proved') return 'proved';
    wrong ||= result === 'wrong';
  }
  const [newest] = heads;
  if (wrong || newest === undefined) return wrong ? 'wrong' : 'missing';
  return proveRecord(declared, newest, consultedTiles(declared.database, newest, place));
}
