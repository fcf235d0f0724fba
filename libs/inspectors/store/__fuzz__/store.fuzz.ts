import { isMillraceError } from '../../../errors/millrace-error.js';
import { parseBoundedJson } from '../../../inspection/bounded-json.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { parseBldbinMetadata } from '../bldbin-inspector.js';
import { findDownloads } from '../store-downloads.js';

const download = { url: 'https://store.example/api/v1/download/x.charm', 'hash-sha-256': '0'.repeat(64), size: 1 };

/** Answers of stores, and the metadata of built packages. */
export const target: FuzzTarget = {
  name: 'store.answer',
  seeds: () => [
    Buffer.from(JSON.stringify({ results: [{ charm: { name: 'x', revision: 1, download } }] })),
    Buffer.from('name: x\nversion: 1\nbase: b\narchitecture: amd64\n'),
  ],
  run: async (input) => {
    for (const read of [(bytes: Buffer) => findDownloads(parseBoundedJson(bytes)), parseBldbinMetadata]) {
      try {
        read(input);
      } catch (error) {
        if (!isMillraceError(error)) throw error;
      }
    }
  },
};
