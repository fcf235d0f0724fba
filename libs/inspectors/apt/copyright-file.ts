import parseExpression from 'spdx-expression-parse';
import { spdxLicense } from '../documents/spdx-license.js';
import { chunksOf, readParagraphs } from '../../deb/control-file.js';

export interface CopyrightFile {
  /** SPDX expression; a licence that SPDX has no identifier for is a `LicenseRef-`. Empty when the file is not machine-readable. */
  readonly license: string;
  /** Of the paragraph for all files. */
  readonly copyright: string;
}

const maxLicenses = 16;

/** Short names of https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/ that SPDX calls otherwise. */
const ids: Readonly<Record<string, string>> = {
  expat: 'MIT',
  artistic: 'Artistic-1.0-Perl',
  'artistic-1': 'Artistic-1.0-Perl',
  'artistic-2': 'Artistic-2.0',
  'bsd-2-clause': 'BSD-2-Clause',
  'bsd-3-clause': 'BSD-3-Clause',
  'bsd-4-clause': 'BSD-4-Clause',
  apache: 'Apache-2.0',
  'apache-2': 'Apache-2.0',
  zlib: 'Zlib',
  isc: 'ISC',
  'cc0': 'CC0-1.0',
  'mpl-1': 'MPL-1.0',
  'mpl-2': 'MPL-2.0',
  psf: 'PSF-2.0',
  wtfpl: 'WTFPL',
};

/** Reads the copyright file of a package in the machine-readable form; never throws, as most such files are prose. */
export async function readCopyrightFile(bytes: Buffer): Promise<CopyrightFile> {
  const none = { license: '', copyright: '' };
  if (!/^Format: *https?:\/\//im.test(bytes.toString('latin1', 0, 1024))) return none;
  const licenses = new Set<string>();
  let copyright = '';
  try {
    for await (const paragraph of readParagraphs(chunksOf(bytes))) {
      const files = paragraph.get('files');
      const license = paragraph.get('license')?.split('\n', 1)[0]?.trim() ?? '';
      if (files === undefined) continue;
      if (license !== '' && licenses.size < maxLicenses) licenses.add(license);
      if (files === '*') copyright = paragraph.get('copyright')?.trim() ?? '';
    }
  } catch {
    return none;
  }
  return { license: joinLicenses([...licenses]), copyright };
}

function joinLicenses(names: readonly string[]): string {
  const expressions = [...new Set(names.map(toExpression))];
  if (expressions.length <= 1) return expressions[0] ?? '';
  return expressions.map((expression) => (expression.includes(' ') ? `(${expression})` : expression)).join(' AND ');
}

/** `GPL-2+ or Artistic` as `GPL-2.0-or-later OR Artistic-1.0-Perl`. */
function toExpression(name: string): string {
  return name
    .replaceAll(',', ' ')
    .trim()
    .split(/\s+(and\/or|and|or)\s+/i)
    .map((part, index) => (index % 2 === 1 ? operator(part) : toId(part.trim())))
    .join(' ');
}

function operator(word: string): string {
  return word.toLowerCase() === 'and' ? 'AND' : 'OR';
}

function toId(name: string): string {
  const gnu = /^(A?GPL|LGPL|GFDL)-([123](?:\.\d)?)(?:\.0)?(\+)?$/i.exec(name);
  if (gnu !== null) {
    const version = (gnu[2] as string).includes('.') ? gnu[2] : `${gnu[2]}.0`;
    return `${gnu[1]?.toUpperCase()}-${version}-${gnu[3] === undefined ? 'only' : 'or-later'}`;
  }
  const id = ids[name.toLowerCase().replace(/\.0$/, '')] ?? spdxLicense(name);
  return isExpression(id) ? id : `LicenseRef-${name.replaceAll(/[^A-Za-z0-9.-]+/g, '-').slice(0, 64)}`;
}

function isExpression(text: string): boolean {
  try {
    parseExpression(text);
    return true;
  } catch {
    return false;
  }
}
