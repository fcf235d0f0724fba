import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import { createInspectedBody } from '../../inspection/inspected-body.js';
import type { InspectedBody } from '../../inspection/inspector.js';
import { buildTar, buildTgz, type TarFile } from '../__fixtures__/build-tar.js';
import { createContext } from '../__fixtures__/exchange.js';
import { archiveLimits } from '../archives/archive-limits.js';
import { buildAr, type ArPart } from './__fixtures__/build-ar.js';
import { aptFixture } from './__fixtures__/sample-repository.js';
import { readBinaryPackage, type BinaryPackage } from './binary-package.js';
import { readCopyrightFile } from './copyright-file.js';

const control = 'Package: sample\nVersion: 1.0\nArchitecture: all\nMaintainer: Ada Example <ada@registry.example>\nDescription: sample\n';
const format: ArPart = { name: 'debian-binary', content: Buffer.from('2.0\n') };

function controlPart(text = control, name = 'control.tar.gz'): ArPart {
  return { name, content: buildTgz([{ name: './control', content: text }]) };
}

function dataPart(files: readonly TarFile[] = [{ name: './usr/', type: '5' }, { name: './usr/x', content: 'x' }]): ArPart {
  return { name: 'data.tar.gz', content: buildTgz(files) };
}

function deb(...parts: readonly ArPart[]): Buffer {
  return buildAr([format, ...parts]);
}

function bodyOf(bytes: Buffer): InspectedBody {
  const hash = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
  return createInspectedBody({ bytes, digests: { sha1: hash('sha1'), sha256: hash('sha256'), size: bytes.length }, contentEncoding: '' });
}

function read(bytes: Buffer, limits = archiveLimits): Promise<BinaryPackage> {
  return readBinaryPackage(bodyOf(bytes), createContext(), limits);
}

describe('readBinaryPackage', () => {
  it.each(['sample-xz.deb', 'sample-zstd.deb', 'sample-gzip.deb'])('reads %s of dpkg-deb: links to anywhere, backslashes and long names included', async (name) => {
    expect(await read(aptFixture(name))).toMatchObject({ name: 'millrace-sample', version: '1:1.0-1', architecture: 'all', entries: 13, copyright: { license: '(GPL-2.0-or-later OR MIT) AND MIT' } });
  });

  it('reads one without compression, with members to pass over', async () => {
    const plain = deb({ name: '_first', content: Buffer.from('x') }, { name: 'control.tar', content: buildTar([{ name: 'control', content: control }]) }, { name: 'data.tar', content: buildTar([{ name: './x' }]) }, { name: '_gpgorigin', content: Buffer.from('xyz') });
    expect(await read(plain)).toMatchObject({ name: 'sample', entries: 1 });
  });

  const tooLong = 'x'.repeat(5000);
  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'does not begin as an ar archive'],
    ['a page', Buffer.from('<html></html>'), 'does not begin as an ar archive'],
    ['no members', buildAr([]), 'no control.tar'],
    ['another format', buildAr([{ name: 'debian-binary', content: Buffer.from('3.0\n') }]), 'not of format 2'],
    ['another first member', buildAr([controlPart(), format]), 'does not begin with debian-binary'],
    ['no data', deb(controlPart()), 'no control.tar or no data.tar'],
    ['data before control', deb(dataPart(), controlPart()), '"data.tar.gz" where none may be'],
    ['control twice', deb(controlPart(), controlPart(), dataPart()), '"control.tar.gz" where none may be'],
    ['data twice', deb(controlPart(), dataPart(), dataPart()), '"data.tar.gz" where none may be'],
    ['a member of its own', deb(controlPart(), dataPart(), { name: 'evil', content: Buffer.from('x') }), '"evil" where none may be'],
    ['an impossible size', deb({ ...controlPart(), size: '-1' }), 'malformed member header'],
    ['a size past its end', deb(controlPart(), { ...dataPart(), size: '999999' }), 'truncated'],
    ['too large a control.tar', deb({ ...controlPart(), size: '99999999' }), 'control.tar is larger'],
    ['a table of names', deb({ name: '/0', content: Buffer.from('x') }), 'malformed member header'],
    ['no control file', deb({ name: 'control.tar.gz', content: buildTgz([{ name: './md5sums' }]) }, dataPart()), 'no control file'],
    ['no package name', deb(controlPart('Version: 1\nArchitecture: all\n'), dataPart()), 'no valid Package'],
    ['a name with a path', deb(controlPart('Package: ../x\nVersion: 1\nArchitecture: all\n'), dataPart()), 'no valid Package'],
    ['no version', deb(controlPart('Package: x\nArchitecture: all\n'), dataPart()), 'no valid Version'],
    ['a control.tar that leads outside', deb({ name: 'control.tar.gz', content: buildTgz([{ name: '../control', content: control }]) }, dataPart()), "leaves the archive's directory"],
    ['a data.tar that leads outside', deb(controlPart(), dataPart([{ name: './a/../../x' }])), 'leads outside'],
    ['an absolute name', deb(controlPart(), dataPart([{ name: '/etc/passwd' }])), 'leads outside'],
    ['a hard link that leads outside', deb(controlPart(), dataPart([{ name: './x', type: '1', link: '../../etc/passwd' }])), 'leads outside'],
    ['a kind of entry that dpkg has not', deb(controlPart(), dataPart([{ name: './x', type: 'S' }])), 'that dpkg does not take'],
    ['a directory with content', deb(controlPart(), dataPart([{ name: './x', type: '5', content: 'x' }])), 'has content'],
    ['an endless name', deb(controlPart(), dataPart([{ name: 'long', type: 'L', content: tooLong }])), 'name of 5000 bytes'],
    ['data after the end mark', deb(controlPart(), { name: 'data.tar.gz', content: gzipSync(buildTar([{ name: 'x' }], Buffer.concat([Buffer.alloc(1024), Buffer.from('x')]))) }), 'after its end mark'],
    ['damaged gzip', deb(controlPart(), { name: 'data.tar.gz', content: Buffer.from('x'.repeat(100)) }), 'damaged or truncated'],
    ['gzip that is called xz', deb(controlPart(), { ...dataPart(), name: 'data.tar.xz' }), 'damaged or truncated'],
  ])('throws a reason for a package with %s', async (_case, bytes, reason) => {
    await expect(read(bytes)).rejects.toThrow(reason);
  });

  it('stops at its limits', async () => {
    await expect(read(deb(controlPart(), dataPart([{ name: './x', content: Buffer.alloc(100_000) }])), { ...archiveLimits, unpackedBytes: 50_000 })).rejects.toThrow('unpacks to more than');
    await expect(read(deb(controlPart(), dataPart([{ name: './x', content: Buffer.alloc(200_000) }])), { ...archiveLimits, ratio: 10, ratioFrom: 1000 })).rejects.toThrow('times its size');
  });

  it('never crashes on mutated packages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('sample-xz.deb', 'sample-zstd.deb', 'sample-gzip.deb'), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat({ max: 300 }), async (name, at, change, cut) => {
        const bytes = Buffer.from(aptFixture(name));
        const place = at % bytes.length;
        bytes[place] = (bytes[place] as number) ^ change;
        const outcome = await read(bytes.subarray(0, bytes.length - cut)).catch((error: unknown) => error);
        expect(isMillraceError(outcome) || (typeof outcome === 'object' && outcome !== null && 'control' in outcome)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('readCopyrightFile', () => {
  const head = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: 2024 Ada\n';
  it.each([
    ['GPL-3', 'GPL-3.0-only'],
    ['LGPL-2.1+', 'LGPL-2.1-or-later'],
    ['GPL-2+ and Expat', 'GPL-2.0-or-later AND MIT'],
    ['BSD-3-clause', 'BSD-3-Clause'],
    ['Apache-2.0', 'Apache-2.0'],
    ['public-domain', 'LicenseRef-public-domain'],
    ['REGCOMP, and GPL-1+ or Artistic', 'LicenseRef-REGCOMP AND GPL-1.0-or-later OR Artistic-1.0-Perl'],
    ['GPL-3+ with Bison exception', 'LicenseRef-GPL-3-with-Bison-exception'],
  ])('tells %s as %s', async (license, expression) => {
    expect(await readCopyrightFile(Buffer.from(`${head}License: ${license}\n text\n`))).toEqual({ license: expression, copyright: '2024 Ada' });
  });

  it('passes over prose and broken files', async () => {
    for (const text of ['This package was debianized by Ada.', '', `${head}\nhello world\n`]) expect(await readCopyrightFile(Buffer.from(text))).toEqual({ license: '', copyright: '' });
  });
});
