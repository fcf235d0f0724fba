import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { goModHash, moduleHash } from '../module-hash.js';

/** What a checksum database answers by the path below it. */
export interface ChecksumDatabase {
  /** `name+hash+key`, as in GOSUMDB. */
  readonly verifierKey: string;
  answer(path: string): Buffer | undefined;
}

/** A release to be recorded. */
export interface RecordedModule {
  readonly module: string;
  readonly version: string;
  /** Files of its zip without the directory, `go.mod` among them. */
  readonly files: Readonly<Record<string, string>>;
}

/** A database of many other records around those of the modules, with keys of its own: the wire format of the `go` command. */
export function createChecksumDatabase(name: string, modules: readonly RecordedModule[], fillers = 300): ChecksumDatabase {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const keyBytes = Buffer.concat([Buffer.from([1]), publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)]);
  const keyHash = createHash('sha256').update(`${name}\n`).update(keyBytes).digest().subarray(0, 4);
  const filler = (index: number): string => `filler.test/m${index} v1.0.0 h1:${'A'.repeat(43)}=\n`;
  const records = [...Array.from({ length: fillers }, (_item, index) => filler(index)), ...modules.map(recordOf), filler(fillers)];
  const levels = [records.map((record) => digest('\0', record))];
  for (let below = levels[0] as Buffer[]; below.length > 1; levels.push(below)) {
    below = Array.from({ length: Math.floor(below.length / 2) }, (_item, index) => digest('\x01', below[2 * index] as Buffer, below[2 * index + 1] as Buffer));
  }
  const text = `go.sum database tree\n${records.length}\n${treeHash(levels[0] as Buffer[]).toString('base64')}\n`;
  const signature = Buffer.concat([keyHash, sign(null, Buffer.from(text), privateKey)]).toString('base64');
  const note = `${text}\n— ${name} ${signature}\n`;
  return {
    verifierKey: `${name}+${keyHash.toString('hex')}+${keyBytes.toString('base64')}`,
    answer: (path) => {
      if (path === '/supported') return Buffer.alloc(0);
      if (path === '/latest') return Buffer.from(note);
      const index = modules.findIndex(({ module, version }) => path === `/lookup/${module}@${version}`);
      if (index >= 0) return Buffer.from(`${fillers + index}\n${records[fillers + index]}\n${note}`);
      const [, level, tile, width] = /^\/tile\/8\/(\d+)\/(\d{3})(?:\.p\/(\d+))?$/.exec(path) ?? [];
      const hashes = tile === undefined ? [] : (levels[8 * Number(level)] ?? []).slice(Number(tile) * 256, Number(tile) * 256 + Number(width ?? 256));
      return hashes.length === Number(width ?? 256) ? Buffer.concat(hashes) : undefined;
    },
  };
}

export function zipHash({ module, version, files }: RecordedModule): string {
  return moduleHash(new Map(Object.entries(files).map(([name, content]) => [`${module}@${version}/${name}`, createHash('sha256').update(content).digest('hex')])));
}

function recordOf(recorded: RecordedModule): string {
  const { module, version, files } = recorded;
  return `${module} ${version} ${zipHash(recorded)}\n${module} ${version}/go.mod ${goModHash(Buffer.from(files['go.mod'] ?? ''))}\n`;
}

function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] as Buffer;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return digest('\x01', treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}

function digest(...parts: readonly (string | Buffer)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
