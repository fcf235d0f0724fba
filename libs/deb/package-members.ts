import { limitExceeded, refusal } from '../inspection/refusal.js';
import { arHeaderLength, arMagic, maxArMembers, parseArHeader } from './ar-header.js';

/** Bytes that can be read anywhere: an object of a store, a file. */
export interface RandomBytes {
  readonly size: number;
  /** Exactly so many bytes. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** Where a member of a Debian package lies in it. */
export interface PackageMember {
  /** `control.tar.xz` */
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

export interface PackageMembers {
  readonly control: PackageMember;
  readonly data: PackageMember;
}

const control = /^control\.tar(?:\.(?:gz|xz|zst))?$/;
const data = /^data\.tar(?:\.(?:gz|xz|zst|bz2|lzma))?$/;
const longestFormat = 64;

/**
 * Finds control.tar and data.tar of a Debian package by its headers alone, https://manpages.debian.org/deb.5: debian-binary, control.tar and data.tar in this
 * order, beside members that begin with an underscore. Throws a reason for anything malformed, and for a member that would end behind the file.
 */
export async function findPackageMembers(bytes: RandomBytes): Promise<PackageMembers> {
  const magic = await bytes.read(0, Math.min(arMagic.length, bytes.size));
  if (magic.toString('latin1') !== arMagic) throw refusal('the file is not a Debian package: it does not begin as an ar archive');
  let found: { readonly control?: PackageMember; readonly data?: PackageMember } = {};
  let count = 0;
  for (let at = arMagic.length; at < bytes.size; count += 1) {
    if (count === maxArMembers) throw limitExceeded(`the ar archive has more than ${maxArMembers} members`);
    const member = await readMember(bytes, at);
    if (count === 0) await checkFormat(bytes, member);
    else if (found.control === undefined && control.test(member.name)) found = { control: member };
    else if (found.control !== undefined && found.data === undefined && data.test(member.name)) found = { ...found, data: member };
    // deb(5): names with an underscore may be passed over, all others may not.
    else if (!member.name.startsWith('_')) throw refusal(`the Debian package has the member ${JSON.stringify(member.name)} where none may be`);
    at = member.offset + member.size + (member.size % 2);
  }
  if (found.control === undefined || found.data === undefined) throw refusal('the Debian package has no control.tar or no data.tar');
  return { control: found.control, data: found.data };
}

async function readMember(bytes: RandomBytes, at: number): Promise<PackageMember> {
  if (at + arHeaderLength > bytes.size) throw refusal('the ar archive is truncated');
  const { name, size } = parseArHeader(await bytes.read(at, arHeaderLength));
  const offset = at + arHeaderLength;
  // The line feed after an odd length is not asked for at the very end: some programs leave it out.
  if (offset + size > bytes.size) throw refusal(`the ar archive is truncated: its member ${JSON.stringify(name)} of ${size} bytes would end behind it`);
  return { name, offset, size };
}

async function checkFormat(bytes: RandomBytes, { name, offset, size }: PackageMember): Promise<void> {
  if (name !== 'debian-binary' || size > longestFormat) throw refusal('the Debian package does not begin with debian-binary');
  const text = (await bytes.read(offset, size)).toString('latin1');
  if (!/^2\.\d{1,3}\n/.test(text)) throw refusal('the Debian package is not of format 2');
}
