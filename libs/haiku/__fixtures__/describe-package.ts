import { formatVersion } from '../package/version.js';
import type { PackageInfo, Provided, Requirement } from '../package/package-info.js';

/** In the words of Haiku's `package list`. */
export function describePackage(info: PackageInfo, checksum?: string): string {
  const lines = [
    ['name', info.name],
    ['summary', info.summary],
    ['description', info.description],
    ['vendor', info.vendor],
    ['packager', info.packager],
    ['architecture', info.architecture],
    ['version', formatVersion(info.version)],
    ...info.copyrights.map((text) => ['copyright', text]),
    ...info.licenses.map((text) => ['license', text]),
    ...info.provides.map((item) => ['provides', provided(item)]),
    ...info.requires.map((item) => ['requires', required(item)]),
    ...(checksum === undefined ? [] : [['checksum', checksum]]),
  ];
  return `package-attributes:\n${lines.map(([key, value]) => `\t${key}: ${value}\n`).join('')}`;
}

function provided({ name, version, compatible }: Provided): string {
  return `${name}${version === null ? '' : ` = ${formatVersion(version)}`}${compatible === null ? '' : ` (compatible >= ${formatVersion(compatible)})`}`;
}

function required({ name, version }: Requirement): string {
  return `${name}${version === null ? '' : `${version.operator}${formatVersion(version.than)}`}`;
}
