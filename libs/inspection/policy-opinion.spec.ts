import { describe, expect, it } from '@jest/globals';
import { policyOf } from '../policy/__fixtures__/policies.js';
import { policyOnArtefact } from './policy-opinion.js';

describe('policyOnArtefact', () => {
  it('holds a package to the rules of its own ecosystem when another one approved it', () => {
    const rules = policyOf({ service: 'origins: { pip: [files.example] }' });
    const opinionOn = (purl: string) =>
      policyOnArtefact(rules, {
        request: { url: 'https://evil.example:443/m-1.0-py3-none-any.whl', method: 'GET' },
        requestInspections: { 'pip.wheel': { opinion: 'Pending', reason: '' }, 'go.module.import': { opinion: 'Pending', reason: '' } },
        responseInspections: { 'pip.wheel': { opinion: 'Unknown', reason: 'declared nowhere' }, 'go.module.import': { opinion: 'Approved', reason: '' } },
        metadata: { type: 'text/html', name: 'm', version: '1.0', vendor: '', description: '', author: '', license: '', purl },
        digests: { sha1: '1'.repeat(40), sha256: '2'.repeat(64) },
      });
    expect(opinionOn('pkg:pypi/m@1.0')).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('no origin that pip may come from') });
    expect(opinionOn('pkg:golang/m@1.0')).toBeUndefined();
  });
});
