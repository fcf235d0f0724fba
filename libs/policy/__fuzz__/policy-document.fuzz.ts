import { readFileSync } from 'node:fs';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { FuzzTarget } from '../../testing/fuzz-target.js';
import { compilePolicy } from '../compile-policy.js';
import { readPolicyDocument } from '../record-policy-documents.js';

const example = /```yaml\n([\s\S]*?)```/.exec(readFileSync('docs/reference/policy.md', 'utf8'))?.[1] ?? 'version: 1\n';
const facts = { method: 'GET', url: 'https://registry.example:443/x', ecosystems: ['npm'], type: 'application/x.npm.package', purl: 'pkg:npm/x@1.0.0', licence: 'MIT OR Apache-2.0', digests: { sha1: '', sha256: '' } };

/** Policy documents as a build manager may send them: read, compiled, and asked about one artefact. */
export const target: FuzzTarget = {
  name: 'policy-document',
  seeds: () => [Buffer.from(example), Buffer.from('{"version":1,"deny":[{"licence":["MIT"]}]}')],
  run: async (input) => {
    try {
      const policy = compilePolicy([readPolicyDocument(input.toString('utf8'), 'session')], 0);
      policy.judgeRequest(facts);
      policy.judgeArtefact(facts);
      policy.visibleUntil('npm', 'x');
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
