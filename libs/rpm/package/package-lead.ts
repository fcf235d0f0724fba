import { refusal } from '../../inspection/refusal.js';

export const leadLength = 96;
const leadMagic = 0xedabeedb;

/** Checks a package file's first 96 bytes. Answers the format's major version: 3 or 4. */
export function parseLead(lead: Buffer): number {
  const major = lead[4] as number;
  if (lead.readUInt32BE(0) !== leadMagic) throw refusal('the file is not an RPM package');
  if (major !== 3 && major !== 4) throw refusal(`the package has the unknown format version ${major}`);
  return major;
}
