import type { SessionKnowledge } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { findDeclarations, rememberDeclaredFiles, type DeclarationKey } from '../declarations/declared-files.js';
import { readMsgpack, type MsgpackValue } from './msgpack-reader.js';

/** The index of sharded repodata (conda enhancement proposal 16). */
export interface ShardIndex {
  /** Number of package names. */
  readonly shards: number;
  /** Where the packages lie and where the shards do, as the index says, relative to it; empty for beside it. */
  readonly baseUrl: string;
  readonly shardsBaseUrl: string;
}

const digestLength = 32;
const maxFiles = 100_000;

export function readShardIndex(bytes: Buffer): ShardIndex {
  const document = readMsgpack(bytes);
  const shards = fieldOf(document, 'shards');
  if (!(shards instanceof Map)) throw refusal('the index of sharded repodata has no shards');
  for (const [name, digest] of shards as ReadonlyMap<string, MsgpackValue>)
    if (!isDigest(digest)) throw refusal(`the index of sharded repodata has no SHA-256 digest for ${JSON.stringify(name.slice(0, 120))}`);
  const info = fieldOf(document, 'info');
  return { shards: shards.size, baseUrl: textOf(fieldOf(info, 'base_url')), shardsBaseUrl: textOf(fieldOf(info, 'shards_base_url')) };
}

/** SHA-256 digests in hex by file, of the packages in one shard; those without one are left out. */
export function readShard(bytes: Buffer): ReadonlyMap<string, string> {
  const document = readMsgpack(bytes);
  if (!(document instanceof Map)) throw refusal('the shard of the repodata is not a map');
  const files = new Map<string, string>();
  for (const section of ['packages', 'packages.conda']) {
    const records = fieldOf(document, section);
    if (records === undefined) continue;
    if (!(records instanceof Map)) throw refusal(`the ${section} in the shard of the repodata are not a map`);
    for (const [file, record] of records as ReadonlyMap<string, MsgpackValue>) {
      const digest = fieldOf(record, 'sha256');
      if (digest !== undefined && !isDigest(digest)) throw refusal(`the shard of the repodata has a sha256 of ${JSON.stringify(file.slice(0, 120))} that is none`);
      if (isDigest(digest)) files.set(file, digest.toString('hex'));
    }
  }
  if (files.size > maxFiles) throw limitExceeded(`the shard of the repodata declares more than ${maxFiles} packages`);
  return files;
}

/** Remembers where the packages of the shards in a directory lie (URLs that end with `/`). */
export function rememberShards(knowledge: SessionKnowledge, shards: string, place: string): Promise<void> {
  return knowledge.put(`conda/shards/${shards}`, place);
}

export function placeOfShards(knowledge: SessionKnowledge, shards: string): Promise<string | undefined> {
  return knowledge.get(`conda/shards/${shards}`);
}

/** Remembers what one shard declares for a directory of packages. A shard has the files of one package name; others in it are not looked up. */
export async function rememberShard(knowledge: SessionKnowledge, place: string, shard: { index: string; files: ReadonlyMap<string, string> }): Promise<void> {
  const [first] = shard.files.keys();
  if (first === undefined) return;
  const name = packageOf(first);
  const files = new Map([...shard.files].filter(([file]) => packageOf(file) === name).map(([file, digest]) => [file, [digest]]));
  await rememberDeclaredFiles(knowledge, keyOf(place, name), { index: shard.index, files });
}

export async function findInShards(knowledge: SessionKnowledge, place: string, file: string): Promise<readonly string[]> {
  return (await findDeclarations(knowledge, keyOf(place, packageOf(file)), file)).map(({ declaration }) => declaration[0] ?? '');
}

/** `name` of `name-version-build.ext`. */
function packageOf(file: string): string {
  return file.split('-').slice(0, -2).join('-');
}

function keyOf(place: string, name: string): DeclarationKey {
  return { family: 'conda', origin: place, name };
}

function fieldOf(value: MsgpackValue | undefined, key: string): MsgpackValue | undefined {
  return value instanceof Map ? (value as ReadonlyMap<string, MsgpackValue>).get(key) : undefined;
}

function isDigest(value: MsgpackValue | undefined): value is Buffer {
  return Buffer.isBuffer(value) && value.length === digestLength;
}

function textOf(value: MsgpackValue | undefined): string {
  return typeof value === 'string' ? value.slice(0, 4096) : '';
}
