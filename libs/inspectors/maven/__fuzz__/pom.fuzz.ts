import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { parseXml } from '../../documents/bounded-xml.js';
import { sampleParent, samplePom } from '../__fixtures__/sample-repository.js';
import { readRepositoryMetadata } from '../maven-metadata.js';
import { readPom } from '../pom.js';

const metadata = '<metadata><groupId>test.millrace</groupId><artifactId>sample</artifactId><versioning><versions><version>1</version></versions></versioning></metadata>';

/** POMs and repository metadata: both readers get every input. */
export const target: FuzzTarget = {
  name: 'maven.pom',
  seeds: () => [sampleParent, samplePom, metadata, samplePom.replace('>1.0<', '>${project.parent.version}${x}<')].map((text) => Buffer.from(text)),
  run: async (input) => {
    for (const read of [readPom, (root: Parameters<typeof readPom>[0]) => readRepositoryMetadata(root, ['test', 'millrace', 'sample'])]) {
      try {
        read(await parseXml(input));
      } catch (error) {
        if (!isMillraceError(error)) throw error;
      }
    }
  },
};
