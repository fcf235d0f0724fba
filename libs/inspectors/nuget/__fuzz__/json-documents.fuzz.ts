import { isMillraceError } from '../../../errors/millrace-error.js';
import { parseBoundedJson } from '../../../inspection/bounded-json.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { readJsonDocument } from '../json-documents.js';

const seeds: readonly object[] = [
  { version: '3.0.0', resources: [{ '@id': 'https://x.example/flat/', '@type': ['PackageBaseAddress/3.0.0'] }] },
  { versions: ['1.0.0', '2.0.0-beta.1'] },
  { id: 'A', version: '1.0', packageHash: `${'A'.repeat(86)}==`, packageHashAlgorithm: 'SHA512', published: '2026-01-01T00:00:00Z' },
  { allRepositorySigned: true, signingCertificates: [{ fingerprints: { '2.16.840.1.101.3.4.2.1': 'a'.repeat(64) } }] },
  [{ '@name': 'base', '@id': 'https://x.example/base.json' }],
];

export const target: FuzzTarget = {
  name: 'nuget.json',
  seeds: () => seeds.map((seed) => Buffer.from(JSON.stringify(seed))),
  run: async (input) => {
    try {
      readJsonDocument(parseBoundedJson(input));
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
