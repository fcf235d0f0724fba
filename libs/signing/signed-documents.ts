import { PacketList, readSignature, Signature, SignaturePacket } from 'openpgp';
import { splitCleartext } from '../inspectors/openpgp/cleartext.js';

/** Text as a cleartext signature is over it: LF, no white space at line ends, one line end after the last line. */
export function cleartextLines(text: string): string {
  return `${text.replace(/[ \t\r]+$/gm, '').replace(/\n$/, '')}\n`;
}

export async function packetsOfArmour(armoredSignature: string): Promise<readonly SignaturePacket[]> {
  return (await readSignature({ armoredSignature })).packets.filter((packet) => packet instanceof SignaturePacket);
}

export function packetsOfCleartext(message: string): Promise<readonly SignaturePacket[]> {
  return packetsOfArmour(splitCleartext(Buffer.from(message)).signature.toString('latin1'));
}

/** One armour for the signatures of all keys: clients need one of them to hold. */
export function joinSignatures(packets: readonly SignaturePacket[]): string {
  const all = new PacketList<SignaturePacket>();
  all.push(...packets);
  return `${new Signature(all).armor().replaceAll('\r\n', '\n').trimEnd()}\n`;
}

/** Own code, because the library keeps an empty line at the end of the text that GnuPG does not sign: https://www.rfc-editor.org/rfc/rfc9580.html#section-7 */
export function writeCleartext(lines: string, packets: readonly SignaturePacket[], hashes: readonly string[]): string {
  return `-----BEGIN PGP SIGNED MESSAGE-----\nHash: ${[...new Set(hashes)].join(', ')}\n\n${lines.replace(/^-/gm, '- -')}${joinSignatures(packets)}`;
}
