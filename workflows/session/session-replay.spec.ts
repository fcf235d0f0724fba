import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { describeReplays } from '../__fixtures__/describe-replays.js';
import { secretsIn } from '../__fixtures__/secrets-in-history.js';
import { recordScenario, scenarios } from './__fixtures__/recorded-scenarios.js';
import { sessionWorkflowId } from './session-messages.js';

describeReplays(
  path.join(import.meta.dirname, '__histories__'),
  scenarios.map((scenario) => {
    const sessionId = scenario.name.replaceAll('-', '');
    return { name: scenario.name, mutation: scenario.mutation, workflowId: sessionWorkflowId(sessionId), identifiers: [sessionId], record: (environment) => recordScenario(environment, scenario) };
  }),
);

describe('what looks for secrets in histories', () => {
  it('would find a token or a secret', () => {
    const planted = (value: object): unknown => ({ payloads: [{ metadata: { encoding: 'anNvbi9wbGFpbg==' }, data: Buffer.from(JSON.stringify(value)).toString('base64') }] });
    expect(secretsIn(planted({ by: 'x9Gk2mPq7RtZ4bWc8LdN' }))).toEqual(['x9Gk2mPq7RtZ4bWc8LdN']);
    expect(secretsIn(planted({ password: 'short' }))).toEqual(['password']);
    expect(secretsIn({ message: 'postgresql://user:hunter2@host/db' })).toEqual([':hunter2@']);
  });
});
