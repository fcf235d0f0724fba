import { isMap } from 'yaml';
import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { decompress } from '../archives/decompress.js';
import { digestTarMember, listTarMembers, openTarMember, type TarMember } from '../archives/tar-members.js';
import { readTar } from '../archives/tar-reader.js';
import { gemMetadataLimit, readGemMetadata, type GemSpecification } from './gem-metadata.js';
import { nodeOf, parseGemYaml, scalarText } from './gem-yaml.js';

export interface GemArchive extends GemSpecification {
  /** Whether its author signed it; who that is is not checked. */
  readonly signed: boolean;
}

const checksumsLimit = 64 * 1024;
const algorithms: Readonly<Record<string, string>> = { SHA1: 'sha1', SHA256: 'sha256', SHA384: 'sha384', SHA512: 'sha512' };
const maxAlgorithms = 8;

/** Reads a `.gem` to its end: its specification, its checksums and the names of its files. Throws a reason for what is not sound. */
export async function readGem(body: InspectedBody, context: InspectionContext): Promise<GemArchive> {
  const members = await listTarMembers(body, context);
  const metadata = members.get('metadata.gz');
  const data = members.get('data.tar.gz');
  if (metadata === undefined || data === undefined) throw refusal('the gem has no metadata.gz or no data.tar.gz');
  const gem = readGemMetadata(await unpackMember(body, metadata, { limit: gemMetadataLimit, context }));
  const checksums = members.get('checksums.yaml.gz');
  if (checksums !== undefined) await checkChecksums(await unpackMember(body, checksums, { limit: checksumsLimit, context }), { body, members, context });
  await readTar(unpack(body, data, context), archiveLimits, () => undefined, { linkRoot: 'archive', mayBeEmpty: true });
  return { ...gem, signed: members.has('metadata.gz.sig') };
}

/** What RubyGems checks as well; every digest named must be that of the member. */
async function checkChecksums(bytes: Buffer, { body, members, context }: { body: InspectedBody; members: ReadonlyMap<string, TarMember>; context: InspectionContext }): Promise<void> {
  const document = parseGemYaml(bytes, 'checksums.yaml');
  if (document.items.length > maxAlgorithms) throw refusal('the checksums.yaml of the gem names too many algorithms');
  for (const { key, value } of document.items) {
    const name = scalarText(key) ?? '';
    const algorithm = Object.hasOwn(algorithms, name) ? algorithms[name] : undefined;
    if (algorithm === undefined || !isMap(value)) continue;
    for (const file of ['metadata.gz', 'data.tar.gz']) {
      const declared = scalarText(nodeOf(value, file));
      const member = members.get(file);
      if (declared === undefined || member === undefined) continue;
      if (declared.toLowerCase() !== (await digestTarMember(body, member, { algorithm, context }))) throw refusal(`the ${name} checksum of ${file} is not the one that the gem itself declares`);
    }
  }
}

async function unpackMember(body: InspectedBody, member: TarMember, { limit, context }: { limit: number; context: InspectionContext }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of unpack(body, member, context, limit)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function unpack(body: InspectedBody, member: TarMember, { signal }: InspectionContext, unpackedBytes: number = archiveLimits.unpackedBytes): AsyncGenerator<Buffer, void> {
  const limits = { ...archiveLimits, unpackedBytes };
  return decompress(openTarMember(body, member), { compression: 'gzip', packedSize: member.size, limits, ...(signal === undefined ? {} : { signal }) });
}
