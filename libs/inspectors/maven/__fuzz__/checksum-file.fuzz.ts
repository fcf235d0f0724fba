import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { checksumFileLimit, parseChecksumFile } from '../checksum-file.js';
import { parseMetadataPath, parseReleasePath, parseSidecarPath } from '../repository-path.js';

/** Checksum files, and the same bytes as a path. */
export const target: FuzzTarget = {
  name: 'maven.checksum-file',
  seeds: () => [`${'a'.repeat(40)}  x.jar\n`, `SHA1(x.jar)= ${'b'.repeat(40)}`, '/g/a/1.0-SNAPSHOT/a-1.0-20260102.030405-6-sources.jar.asc.sha1', '/g/a/maven-metadata.xml'].map((text) => Buffer.from(text)),
  run: async (input) => {
    const path = input.toString('latin1');
    for (const parse of [parseReleasePath, parseMetadataPath, parseSidecarPath]) parse(path);
    try {
      parseChecksumFile(input.subarray(0, checksumFileLimit), 'sha1', 'x.jar');
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
