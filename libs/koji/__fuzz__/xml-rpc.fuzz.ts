import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { FuzzTarget } from '../../testing/fuzz-target.js';
import { readXmlRpc } from '../read-xml-rpc.js';
import { writeXmlRpc } from '../write-xml-rpc.js';

/** Answers of hubs, and of whatever else listens where a hub should. What is read can be written again. */
export const target: FuzzTarget = {
  name: 'koji.xml-rpc',
  seeds: () => ['getLastEvent.response', 'listTaggedRPMS-missing.response', 'multiCall.response', 'listTaggedRPMS-rpmsigs.request'].map((name) => readFileSync(new URL(`../__fixtures__/wire/${name}.xml`, import.meta.url))),
  run: async (input) => {
    try {
      writeXmlRpc(await readXmlRpc(Readable.from([input])));
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
