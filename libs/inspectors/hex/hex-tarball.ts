import { createHash } from 'node:crypto';
import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { decompress } from '../archives/decompress.js';
import { listTarMembers, openTarMember, readTarMember, type TarMember } from '../archives/tar-members.js';
import { readTar } from '../archives/tar-reader.js';
import { hexMetadataLimit, readHexMetadata, type HexSpecification } from './hex-metadata.js';

export interface HexTarball extends HexSpecification {
  /** SHA-256 of version, metadata and contents, in lower-case hex; it is the one that the tarball itself declares. */
  readonly inner: string;
}

const smallFile = 1024;

/** Reads a package's tarball to its end: version, checksum, metadata and the names of its files. Throws a reason for what is not sound. */
export async function readHexTarball(body: InspectedBody, context: InspectionContext): Promise<HexTarball> {
  const members = await listTarMembers(body, context);
  const [version, checksum, metadata, contents] = ['VERSION', 'CHECKSUM', 'metadata.config', 'contents.tar.gz'].map((name) => memberOf(members, name)) as [TarMember, TarMember, TarMember, TarMember];
  const format = await readTarMember(body, version, smallFile);
  if (format.toString('latin1').trim() !== '3') throw refusal('the tarball is not of version 3 of the format');
  const config = await readTarMember(body, metadata, hexMetadataLimit);
  const specification = readHexMetadata(config);
  const hash = createHash('sha256').update(format).update(config);
  for await (const chunk of openTarMember(body, contents) as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    hash.update(chunk);
  }
  const inner = hash.digest('hex');
  const declared = (await readTarMember(body, checksum, smallFile)).toString('latin1').trim().toLowerCase();
  if (declared !== inner) throw refusal('the inner checksum of the tarball is not the one that it declares itself');
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  const files = decompress(openTarMember(body, contents), { compression: 'gzip', packedSize: contents.size, ...signal });
  await readTar(files, archiveLimits, () => undefined, { linkRoot: 'archive', mayBeEmpty: true });
  return { ...specification, inner };
}

function memberOf(members: ReadonlyMap<string, TarMember>, name: string): TarMember {
  const member = members.get(name);
  if (member === undefined) throw refusal(`the tarball has no ${name}`);
  return member;
}
