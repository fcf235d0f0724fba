import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { formatOfId } from './object-id.js';
import { createPacketReader, packetText, type Packet } from './pkt-line.js';

export interface Ref {
  /** In hex. */
  readonly id: string;
  /** `refs/heads/main`; `refs/tags/v1^{}` for what an annotated tag stands for. */
  readonly name: string;
}

export interface RefListing {
  /** 2: only capabilities, the refs are asked for by `ls-refs`. */
  readonly version: 0 | 1 | 2;
  readonly capabilities: readonly string[];
  readonly refs: readonly Ref[];
  /** Id of the repository's shallow commits. */
  readonly shallow: readonly string[];
}

const maxRefs = 2_000_000;
const maxName = 4096;

/** Reads the answer to `GET …/info/refs?service=git-upload-pack` (gitprotocol-http, gitprotocol-v2). Throws the reason for anything else. */
export async function readAdvertisement(chunks: AsyncIterator<Buffer>): Promise<RefListing> {
  const lines = await readLines(chunks);
  // Servers differ on whether version 2 begins with the name of the service.
  if (lines[0] === '# service=git-upload-pack') lines.shift();
  const version = lines[0] === 'version 2' ? 2 : lines[0] === 'version 1' ? 1 : 0;
  if (version > 0) lines.shift();
  if (version === 2) return { version, capabilities: lines, refs: [], shallow: [] };
  const [first = '', ...others] = lines;
  const nul = first.indexOf('\0');
  if (nul < 0) throw refusal('the ref advertisement has no capabilities: it is not what a git server sends');
  const capabilities = first.slice(nul + 1).split(' ').filter((name) => name !== '');
  const refs: Ref[] = [];
  const shallow: string[] = [];
  for (const line of [first.slice(0, nul), ...others]) {
    if (line.startsWith('shallow ')) shallow.push(checkId(line.slice('shallow '.length)));
    else refs.push(readRef(line));
  }
  // An empty repository has one line that only carries the capabilities.
  return { version, capabilities, refs: refs.filter(({ name }) => name !== 'capabilities^{}'), shallow };
}

/** Reads the answer to version 2's command `ls-refs`: `<id> <name>[ peeled:<id>][ symref-target:<name>]`. */
export async function readLsRefs(chunks: AsyncIterator<Buffer>): Promise<readonly Ref[]> {
  const refs: Ref[] = [];
  for (const line of await readLines(chunks)) {
    // A client that asks for `unborn` hears of a branch that has no commit.
    if (line.startsWith('unborn ')) continue;
    const [id = '', name = '', ...attributes] = line.split(' ');
    refs.push(readRef(`${id} ${name}`));
    for (const attribute of attributes) if (attribute.startsWith('peeled:')) refs.push(readRef(`${attribute.slice('peeled:'.length)} ${name}^{}`));
  }
  return refs;
}

async function readLines(chunks: AsyncIterator<Buffer>): Promise<string[]> {
  const reader = createPacketReader(chunks);
  const lines: string[] = [];
  let last: Packet['kind'] | undefined;
  for (let packet = await reader.next(); packet !== undefined; packet = await reader.next()) {
    last = packet.kind;
    if (packet.kind !== 'data') continue;
    if (lines.length === maxRefs) throw limitExceeded(`the repository has more than ${maxRefs} refs`);
    const line = packetText(packet);
    if (line.startsWith('ERR ')) throw refusal(`the git server answers with an error: ${line.slice(4, 500)}`);
    lines.push(line);
  }
  if (last !== 'flush') throw refusal('the git answer is truncated');
  return lines;
}

function readRef(line: string): Ref {
  const space = line.indexOf(' ');
  const name = line.slice(space + 1);
  if (space < 0 || name === '' || name.length > maxName || /[\0-\x20\x7f]/.test(name)) throw refusal('the ref listing has a line that is no ref');
  return { id: checkId(line.slice(0, space)), name };
}

function checkId(id: string): string {
  if (formatOfId(id) === undefined) throw refusal('the ref listing names an object by something that is no id');
  return id;
}
