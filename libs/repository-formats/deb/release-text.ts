import { MillraceError } from '../../errors/millrace-error.js';
import type { DebSettings } from '../../repository/repository.js';
import type { FileFacts, PackagesIndex } from './packages-file.js';

/** Milliseconds since 1970, in the only form that apt reads: `Sat, 21 Nov 2026 20:07:50 UTC`. */
function moment(milliseconds: number): string {
  return new Date(milliseconds).toUTCString().replace('GMT', 'UTC');
}

/**
 * The text of `Release`, https://wiki.debian.org/DebianRepository/Format. It names the uncompressed indexes as well, which do not lie there: by them apt checks what it has
 * unpacked. `at`: RFC 3339.
 */
export function releaseText(settings: DebSettings, at: string, indexes: readonly PackagesIndex[]): string {
  const time = Date.parse(at);
  const { origin, label, suite, codename, description, validSeconds } = settings;
  const fields: readonly (readonly [string, string])[] = [
    ['Origin', origin],
    ['Label', label],
    ['Suite', suite],
    ['Codename', codename],
    ['Date', moment(time)],
    ['Valid-Until', validSeconds === null ? '' : moment(time + validSeconds * 1000)],
    ['Acquire-By-Hash', 'yes'],
    ['Architectures', settings.architectures.join(' ')],
    ['Components', settings.components.join(' ')],
    ['Description', description],
  ];
  const lines = indexes.flatMap(({ component, architecture, open, packed }) => {
    const name = `${component}/binary-${architecture}/Packages`;
    return [fileLine(open, name), fileLine(packed, `${name}.gz`)];
  });
  return [...fields.flatMap(([name, value]) => (value.trim() === '' ? [] : [`${name}: ${oneLine(name, value.trim())}`])), 'SHA256:', ...lines, ''].join('\n');
}

/** Settings are checked where they come in; but this is what gets signed. */
function oneLine(name: string, value: string): string {
  if (/[\0-\x1f\x7f]/.test(value)) throw new MillraceError('invalid-setting', `the ${name} of the apt repository is more than one line`);
  return value;
}

function fileLine({ sha256, size }: FileFacts, name: string): string {
  return ` ${sha256} ${String(size).padStart(16)} ${name}`;
}
