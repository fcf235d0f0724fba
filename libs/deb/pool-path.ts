import { parseDebVersion } from './version.js';

export interface PoolPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

/** `bash_5.2-1_amd64.deb`: without the epoch, as every program of Debian names files. */
export function packageFileName({ name, version, architecture }: PoolPackage): string {
  const { upstream, revision } = parseDebVersion(version);
  return `${name}_${upstream}${revision === '' ? '' : `-${revision}`}_${architecture}.deb`;
}

/** `pool/main/b/bash/bash_5.2-1_amd64.deb`, `pool/main/libx/libxml2/…`: by the source package. */
export function poolPath(fileName: string, { component, source }: { readonly component: string; readonly source: string }): string {
  const prefix = source.startsWith('lib') && source.length > 3 ? source.slice(0, 4) : source.slice(0, 1);
  return `pool/${component}/${prefix}/${source}/${fileName}`;
}
