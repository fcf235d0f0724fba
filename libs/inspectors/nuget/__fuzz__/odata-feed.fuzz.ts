import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { parseXml } from '../../documents/bounded-xml.js';
import { odataEntry, sampleNuspec } from '../__fixtures__/sample-package.js';
import { readNuspec } from '../nuspec.js';
import { readODataDocument } from '../odata-feed.js';

const entry = odataEntry({ base: 'https://feed.example/', source: 'https://feed.example/x.nupkg', hash: `${'A'.repeat(86)}==` });

/** Feeds of protocol version 2 and `.nuspec` files: both readers get every input. */
export const target: FuzzTarget = {
  name: 'nuget.xml',
  seeds: () => [entry, sampleNuspec, `<feed>${entry.slice(entry.indexOf('<entry'))}</feed>`].map((text) => Buffer.from(text)),
  run: async (input) => {
    for (const read of [readNuspec, (root: Parameters<typeof readNuspec>[0]) => readODataDocument(root, 'https://feed.example/')]) {
      try {
        read(await parseXml(input));
      } catch (error) {
        if (!isMillraceError(error)) throw error;
      }
    }
  },
};
