import type { Repomd } from './repomd.js';
import { escapeAttribute, escapeText } from './escape-xml.js';

export const packageDocuments = ['primary', 'filelists', 'other'] as const;
export type PackageDocument = (typeof packageDocuments)[number];

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const common = 'xmlns="http://linux.duke.edu/metadata/common"';
const roots: Readonly<Record<PackageDocument, readonly [name: string, namespaces: string]>> = {
  primary: ['metadata', `${common} xmlns:rpm="http://linux.duke.edu/metadata/rpm"`],
  filelists: ['filelists', 'xmlns="http://linux.duke.edu/metadata/filelists"'],
  other: ['otherdata', 'xmlns="http://linux.duke.edu/metadata/other"'],
};

/** What stands before the packages of a document. */
export function documentStart(document: PackageDocument, packages: number): string {
  const [name, namespaces] = roots[document];
  return `${declaration}<${name} ${namespaces} packages="${packages}">\n`;
}

/** What stands behind them. */
export function documentEnd(document: PackageDocument): string {
  return `</${roots[document][0]}>\n`;
}

/** Writes `repomd.xml`, the files in the given order. */
export function writeRepomd({ revision, files }: Repomd): string {
  const entries = files.map((file) => {
    const lines = [
      `<checksum type="${file.checksum.algorithm}">${file.checksum.hex}</checksum>`,
      ...(file.openChecksum === undefined ? [] : [`<open-checksum type="${file.openChecksum.algorithm}">${file.openChecksum.hex}</open-checksum>`]),
      `<location${file.base === undefined ? '' : ` xml:base="${escapeAttribute(file.base)}"`} href="${escapeAttribute(file.href)}"/>`,
      ...(file.timestamp === undefined ? [] : [`<timestamp>${file.timestamp}</timestamp>`]),
      ...(file.size === undefined ? [] : [`<size>${file.size}</size>`]),
      ...(file.openSize === undefined ? [] : [`<open-size>${file.openSize}</open-size>`]),
    ];
    return `  <data type="${escapeAttribute(file.type)}">\n${lines.map((line) => `    ${line}\n`).join('')}  </data>\n`;
  });
  return `${declaration}<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">\n  <revision>${escapeText(revision)}</revision>\n${entries.join('')}</repomd>\n`;
}
