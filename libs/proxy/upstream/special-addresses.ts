import { BlockList, isIP, isIPv4 } from 'node:net';
import { MillraceError } from '../../errors/millrace-error.js';

/** What a session may not reach unless the configuration allows it, with the name that the refusal gives it. */
const specialBlocks: readonly (readonly [name: string, ...cidrs: string[]])[] = [
  ['the metadata service', '169.254.169.254/32', '169.254.170.2/32', '169.254.170.23/32', '100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32', 'fd00:ec2::254/128', 'fd20:ce::254/128'],
  ['this machine', '0.0.0.0/8', '::/128'],
  ['loopback', '127.0.0.0/8', '::1/128'],
  ['link-local', '169.254.0.0/16', 'fe80::/10'],
  ['a private network', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7', 'fec0::/10', '64:ff9b:1::/48'],
  ['multicast', '224.0.0.0/4', 'ff00::/8'],
  ['broadcast or reserved', '240.0.0.0/4', '192.0.0.0/24', '198.18.0.0/15', '192.88.99.0/24', '100::/64', '5f00::/16'],
];
// The ranges for documentation (203.0.113.0/24 …) are not here: nothing on this machine or beside it answers there by nature, and closed
// networks give their mirrors of registries such addresses.

const compiledBlocks = specialBlocks.map(([name, ...cidrs]) => ({ name, list: compileCidrs(cidrs) }));
const localBlocks = compileCidrs(['0.0.0.0/8', '::/128', '127.0.0.0/8', '::1/128']);

/** Why an address is special, or undefined for an ordinary public one. Embedded IPv4 addresses are not looked at. */
export function specialAddress(address: string): string | undefined {
  return compiledBlocks.find((block) => contains(block.list, address))?.name;
}

/** True for addresses that always mean the machine itself. */
export function isLocalAddress(address: string): boolean {
  return contains(localBlocks, address);
}

/** Reads a list of CIDRs or single addresses. Throws `invalid-setting` with the one that is wrong. */
export function compileCidrs(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) addCidr(list, cidr);
  return list;
}

export function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/**
 * The IPv4 addresses that an IPv6 address leads to: mapped, translated, compatible, NAT64, 6to4, Teredo (server and client) and ISATAP.
 * Without this a build could reach `127.0.0.1` as `64:ff9b::7f00:1` where a translator runs.
 */
export function embeddedIpv4(address: string): readonly string[] {
  if (isIP(address) !== 6) return [];
  const groups = groupsOf(address);
  const group = (index: number): number => groups[index] ?? 0;
  const at = (index: number): string => dotted(group(index), group(index + 1));
  const leadingZeros = groups.findIndex((value) => value !== 0);
  if (leadingZeros === 6 || leadingZeros === 7) return [at(6)];
  if (leadingZeros === 5 && group(5) === 0xffff) return [at(6)];
  if (leadingZeros === 4 && group(4) === 0xffff && group(5) === 0) return [at(6)];
  if (group(0) === 0x64 && group(1) === 0xff9b) return [at(6)];
  if (group(0) === 0x2002) return [at(1)];
  if (group(0) === 0x2001 && group(1) === 0) return [at(2), dotted(group(6) ^ 0xffff, group(7) ^ 0xffff)];
  if ((group(4) & 0xfdff) === 0 && group(5) === 0x5efe) return [at(6)];
  return [];
}

/** An IPv4-mapped IPv6 address is the IPv4 address: the kernel connects to the same place. Others as they are. */
export function unmapAddress(address: string): string {
  if (!address.includes(':')) return address;
  const groups = groupsOf(address);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return mapped ? dotted(groups[6] ?? 0, groups[7] ?? 0) : address;
}

function groupsOf(address: string): number[] {
  // The URL parser writes a dotted tail as two hexadecimal groups, which leaves only `::` to expand.
  const compact = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1);
  const [head = '', tail] = compact.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : new Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function addCidr(list: BlockList, cidr: string): void {
  const [address = '', bits, ...rest] = cidr.split('/');
  const family = isIP(address);
  const width = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? width : /^[0-9]{1,3}$/.test(bits) ? Number(bits) : -1;
  if (family === 0 || address.includes('%') || rest.length > 0 || prefix < 0 || prefix > width) {
    throw new MillraceError('invalid-setting', `${JSON.stringify(cidr)} is not a CIDR (10.1.0.0/16, 2001:db8::/32)`);
  }
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
}
