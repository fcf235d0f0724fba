import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { parseXml } from '../bounded-xml.js';

export const target: FuzzTarget = {
  name: 'documents.xml',
  seeds: () => [Buffer.from('<?xml version="1.0" encoding="UTF-8"?>\n<a x="1" m:y="&lt;"><b>&amp;&oslash;<![CDATA[x]]></b><!-- c --><?pi x?></a>')],
  run: async (input) => {
    try {
      await parseXml(input);
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
