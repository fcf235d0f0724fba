import { refusal } from '../../inspection/refusal.js';

/** A record of a checksum database. */
export interface SumRecord {
  /** Its number in the database's tree. */
  readonly id: number;
  /** Hash of the module's zip; empty when the record has none. */
  readonly zip: string;
  /** Hash of the go.mod; empty when the record has none. */
  readonly goMod: string;
  /** What the tree holds, as it stands in the answer. */
  readonly text: string;
}

const hashPattern = /^h1:[A-Za-z0-9+/]{43}=$/;
const maxLines = 64;

/** Splits the answer to a lookup into its record and the signed note after it. Throws the reason when the record is not of this release. */
export function parseLookup(answer: string, { module, version }: { module: string; version: string }): { record: SumRecord; note: string } {
  const idEnd = answer.indexOf('\n');
  const textEnd = answer.indexOf('\n\n');
  const id = /^\d{1,15}$/.test(answer.slice(0, idEnd)) ? Number(answer.slice(0, idEnd)) : undefined;
  if (id === undefined || textEnd <= idEnd) throw refusal("the checksum database's answer has no numbered record");
  const text = answer.slice(idEnd + 1, textEnd + 1);
  const lines = text.split('\n', maxLines + 1).slice(0, -1);
  const hashes = new Map<string, string>();
  for (const line of lines) {
    const [path, revision, hash, ...more] = line.split(' ');
    if (path !== module || revision === undefined || hash === undefined || more.length > 0) throw refusal("the checksum database's record is not one of the module that was asked for");
    if (revision !== version && revision !== `${version}/go.mod`) throw refusal("the checksum database's record is not one of the version that was asked for");
    if (hash.startsWith('h1:') && !hashPattern.test(hash)) throw refusal("the checksum database's record has a malformed hash");
    if (hashes.has(revision) && hashes.get(revision) !== hash) throw refusal("the checksum database's record gives one file two hashes");
    hashes.set(revision, hash);
  }
  const record = { id, text, zip: hashes.get(version) ?? '', goMod: hashes.get(`${version}/go.mod`) ?? '' };
  if (record.zip === '' && record.goMod === '') throw refusal("the checksum database's record has no hashes");
  return { record, note: answer.slice(textEnd + 2) };
}
