import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../errors/millrace-error.js';
import { readPackageParagraph } from './package-paragraph.js';

const least = 'Package: foo\nVersion: 1:2.0-1\nArchitecture: amd64\n';

function read(text: string): ReturnType<typeof readPackageParagraph> {
  return readPackageParagraph(Buffer.from(text));
}

describe('readPackageParagraph', () => {
  it('writes the paragraph with Package first, values as they are, and nothing of what is empty', () => {
    const { name, version, architecture, source, text } = read(`Version: 2.0\nMaintainer:   José <j@farm.example> \nDepends:\nPackage: libfoo1\nArchitecture: all\nSource: foo (2.0-1)\nDescription: voilà\r\n  verbatim à\n .\n\tend\n\n`);
    expect({ name, version, architecture, source }).toEqual({ name: 'libfoo1', version: '2.0', architecture: 'all', source: 'foo' });
    expect(text.toString()).toBe('Package: libfoo1\nVersion: 2.0\nMaintainer: José <j@farm.example>\nArchitecture: all\nSource: foo (2.0-1)\nDescription: voilà\n  verbatim à\n .\n\tend\n');
  });

  it('keeps bytes that are no UTF-8, and folded fields', () => {
    const bytes = Buffer.concat([Buffer.from(`${least}Depends:\n a,\n b\nMaintainer: Jos`), Buffer.from([0xe9, 0xa0]), Buffer.from('\n')]);
    const { text, fields } = readPackageParagraph(bytes);
    expect(text.includes(Buffer.concat([Buffer.from('Maintainer: Jos'), Buffer.from([0xe9, 0xa0, 0x0a])]))).toBe(true);
    expect(text.includes('Depends:\n a,\n b\n')).toBe(true);
    expect(fields.get('depends')).toBe('\n a,\n b');
  });

  it.each<[string, string, string]>([
    ['nothing', '', 'more than one paragraph'],
    ['two paragraphs', `${least}\nPackage: bar\n`, 'more than one paragraph'],
    ['two paragraphs that only blanks part', `${least} \t\nPackage: bar\n`, 'more than one paragraph'],
    ['two paragraphs that a carriage return parts', `${least}\r\nPackage: bar\n`, 'more than one paragraph'],
    ['a carriage return in a line', `${least}Homepage: x\rFilename: y\n`, 'control characters'],
    ['a NUL', `${least}Homepage: x\0y\n`, 'control characters'],
    ['an escape sequence', `${least}Homepage: \x1b[2J\n`, 'control characters'],
    ['a comment', `${least}# hello\n`, 'no field'],
    ['a field twice', `${least}version: 3\n`, 'twice'],
    ['a line that is no field', `${least}hello\n`, 'no field'],
    ['a continuation first', ` x\n${least}`, 'continuation'],
    ['too many fields', least + Array.from({ length: 300 }, (_, index) => `X${index}: y\n`).join(''), 'more than 200 fields'],
    ['a huge field', `${least}Description: ${'x'.repeat(1024 * 1024)}\n`, 'larger than'],
    ['no name', 'Version: 1\nArchitecture: all\n', 'no name of a Debian package'],
    ['a name with a path', least.replace('foo', '../foo'), 'no name of a Debian package'],
    ['a name in capitals', least.replace('foo', 'Foo'), 'no name of a Debian package'],
    ['a name of one letter', least.replace('foo', 'f'), 'no name of a Debian package'],
    ['no version', 'Package: foo\nArchitecture: all\n', 'no version of a Debian package'],
    ['a version with a slash', least.replace('2.0', '2/0'), 'no version of a Debian package'],
    ['a version with a second colon', least.replace('2.0', '2:0'), 'no version of a Debian package'],
    ['no architecture', 'Package: foo\nVersion: 1\n', 'no architecture of a binary package'],
    ['the architecture any', least.replace('amd64', 'any'), 'no architecture of a binary package'],
    ['a source with a path', `${least}Source: ../x\n`, 'no name of a source package'],
    ['a udeb', `${least}Package-Type: udeb\n`, 'a package of the type "udeb"'],
    ['a ddeb', `${least}Package-Type: ddeb\n`, 'a package of the type "ddeb"'],
    ['a file name of its own', `${least}Filename: ../../etc/passwd\n`, 'the field filename'],
    ['a digest of its own', `${least}sHa256: 00\n`, 'the field sha256'],
    ['a status of dpkg', `${least}Status: install ok installed\n`, 'the field status'],
    ['dependencies that apt cannot read', `${least}Depends: \${shlibs:Depends}\n`, 'the field Depends'],
    ['alternatives of conflicts', `${least}Conflicts: a | b\n`, 'the field Conflicts'],
    ['an unknown Multi-Arch', `${least}Multi-Arch: yes\n`, 'the field Multi-Arch'],
    ['an Installed-Size in words', `${least}Installed-Size: big\n`, 'the field Installed-Size'],
  ])('throws a reason for %s', (_case, text, reason) => expect(() => read(text)).toThrow(reason));

  it('reads what it has written as the same paragraph', () => {
    const line = fc.constantFrom('Package: foo', 'Version: 1', 'Architecture: all', 'Description: x', ' y', '  z ', '\tw', 'X: ', '', 'Depends: a', 'à: b', 'Y: à');
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        try {
          const first = read(['Package: foo', 'Version: 1', 'Architecture: all', ...lines.slice(3)].join('\n'));
          expect(readPackageParagraph(first.text).text).toEqual(first.text);
          expect(first.text.toString('latin1')).not.toMatch(/\n[ \t\r]*\n/);
        } catch (error) {
          if (!isMillraceError(error)) throw error;
        }
      }),
    );
  });

  it('takes no more time than the file is long, whatever runs of blanks it has', () => {
    const started = process.cpuUsage();
    expect(() => read(`${least}X: ${' '.repeat(120_000)}y\n${'\n'.repeat(120_000)}z`)).toThrow('more than one paragraph');
    expect(process.cpuUsage(started).user).toBeLessThan(5_000_000);
  });
});
