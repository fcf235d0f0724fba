import { buildAr, type ArPart } from '../../../inspectors/apt/__fixtures__/build-ar.js';
import { buildTgz } from '../../../inspectors/__fixtures__/build-tar.js';

export interface DebOptions {
  readonly name: string;
  readonly version?: string;
  readonly architecture?: string;
  /** Whole lines of the control file. */
  readonly fields?: string;
  /** In `usr/share/<name>/content`. */
  readonly content?: string;
}

export const formatPart: ArPart = { name: 'debian-binary', content: Buffer.from('2.0\n') };

export function controlPart(text: string): ArPart {
  return { name: 'control.tar.gz', content: buildTgz([{ name: './', type: '5' }, { name: './control', content: text }]) };
}

export function dataPart({ name, content = 'content\n' }: Pick<DebOptions, 'name' | 'content'>): ArPart {
  const directories = ['./', './usr/', './usr/share/', `./usr/share/${name}/`].map((directory) => ({ name: directory, type: '5' }));
  return { name: 'data.tar.gz', content: buildTgz([...directories, { name: `./usr/share/${name}/content`, content }]) };
}

export function controlText({ name, version = '1.0-1', architecture = 'amd64', fields = '' }: DebOptions): string {
  return `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: Build Farm <farm@farm.example>\n${fields}Description: ${name} of a build farm\n With a second line.\n`;
}

/** A Debian package that dpkg unpacks, made without it: specs need thousands. */
export function buildDeb(options: DebOptions): Buffer {
  return buildAr([formatPart, controlPart(controlText(options)), dataPart(options)]);
}
