import { describe, expect, it } from '@jest/globals';
import { validateRequester, validSessionInput } from './session-input.js';

const valid = { sessionId: 'abc123', policy: 'strict', owner: 'builder', tokenSha256: 'ab'.repeat(32) };
const codeOf = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return (error as { type?: unknown }).type;
  }
  return undefined;
};

describe('the input of a session', () => {
  it('gets its defaults', () => {
    expect(validSessionInput(valid, 'session:abc123')).toEqual({ ...valid, timeoutSeconds: 21_600, retain: false, inspectorsConfiguration: {} });
    expect(validSessionInput({ ...valid, timeoutSeconds: 0 }, 'session:abc123').timeoutSeconds).toBe(21_600);
    expect(validSessionInput({ ...valid, timeoutSeconds: 1, retain: true }, 'session:abc123')).toMatchObject({ timeoutSeconds: 1, retain: true });
  });

  it('may have a policy document, or the digest of one', () => {
    const policyDocument = 'version: 1';
    expect(validSessionInput({ ...valid, policyDocument }, 'session:abc123')).toMatchObject({ policyDocument });
    expect(validSessionInput({ ...valid, policyDocumentSha256: 'ab'.repeat(32) }, 'session:abc123')).toMatchObject({ policyDocumentSha256: 'ab'.repeat(32) });
    expect(Object.keys(validSessionInput(valid, 'session:abc123'))).not.toContain('policyDocument');
  });

  it.each<[string, unknown]>([
    ['a policy document that is no text', { ...valid, policyDocument: { version: 1 } }],
    ['a policy document that is too long', { ...valid, policyDocument: ' '.repeat(1024 * 1024 + 1) }],
    ['a policy digest that is none', { ...valid, policyDocumentSha256: 'abc' }],
    ['nothing', undefined],
    ['null', null],
    ['a string', 'session'],
    ['a list', [valid]],
    ['no id', { ...valid, sessionId: undefined }],
    ['an id of capitals', { ...valid, sessionId: 'ABC123' }],
    ['an id that is too long', { ...valid, sessionId: 'a'.repeat(65) }],
    ['an id that is not the workflow id', { ...valid, sessionId: 'another' }],
    ['an unknown policy', { ...valid, policy: 'lenient' }],
    ['no owner', { ...valid, owner: '' }],
    ['a long owner', { ...valid, owner: 'o'.repeat(256) }],
    ['an owner with control characters', { ...valid, owner: 'a\u0000b' }],
    ['a token in place of its digest', { ...valid, tokenSha256: 'Z'.repeat(20) }],
    ['a digest in capitals', { ...valid, tokenSha256: 'AB'.repeat(32) }],
    ['a negative timeout', { ...valid, timeoutSeconds: -1 }],
    ['a fractional timeout', { ...valid, timeoutSeconds: 1.5 }],
    ['an endless timeout', { ...valid, timeoutSeconds: 1e12 }],
    ['a timeout as text', { ...valid, timeoutSeconds: '60' }],
    ['retain as text', { ...valid, retain: 'yes' }],
    ['a list as configuration', { ...valid, inspectorsConfiguration: [] }],
    ['secrets', { ...valid, secrets: [{ type: 'basic-auth' }] }],
  ])('is refused when it is or has %s', (_, input) => {
    expect(codeOf(() => validSessionInput(input, 'session:abc123'))).toBe('invalid-request');
  });

  it('is never repeated in the failure', () => {
    const token = 'Tk7Tk7Tk7Tk7Tk7Tk7Tk7';
    for (const field of Object.keys(valid)) {
      let message = '';
      try {
        validSessionInput({ ...valid, [field]: [token] }, 'session:abc123');
      } catch (error) {
        message = String(error);
      }
      expect(message).toContain(field);
      expect(message).not.toContain(token);
    }
  });
});

describe('the sender of an update', () => {
  it.each([[undefined], [null], ['builder'], [{}], [{ by: '' }], [{ by: 7 }], [{ by: 'x'.repeat(256) }], [{ by: 'line\nbreak' }]])('may not be %j', (argument) => {
    expect(codeOf(() => validateRequester(argument))).toBe('invalid-request');
  });

  it('is a short text', () => {
    expect(codeOf(() => validateRequester({ by: 'Builder 7 (läuft)' }))).toBeUndefined();
  });
});
