import { describe, expect, it } from '@jest/globals';
import { parseSessionSecrets } from './parse-session-secrets.js';

const url = 'https://origin.example:443/**';

describe('parseSessionSecrets', () => {
  it('reads the three types', () => {
    const given = [
      { type: 'basic-auth', url, 'basic-credentials': 'u:p' },
      { type: 'macaroon', url, 'macaroon-credentials': 'm' },
      { type: 'keystone-v3', url, 'keystone-v3-credentials': 'u:p' },
    ];
    expect(parseSessionSecrets(given)).toEqual([{ type: 'basic-auth', url, credentials: 'u:p' }, { type: 'macaroon', url, credentials: 'm' }, { type: 'keystone-v3', url, credentials: 'u:p' }]);
    expect([parseSessionSecrets(undefined), parseSessionSecrets(null), parseSessionSecrets([])]).toEqual([[], [], []]);
  });

  it.each([
    [[{ url }], 'Invalid secret: missing type'],
    [[{ type: 'other', url }], 'Invalid secret: invalid type'],
    [[{ type: 'toString', url }], 'Invalid secret: invalid type'],
    [[{ type: 'macaroon' }], 'Invalid secret: missing url'],
    [[{ type: 'macaroon', url }], "Invalid secret: missing credentials for 'macaroon'"],
    [[{ type: 'basic-auth', url, 'macaroon-credentials': 'm' }], "Invalid secret: missing credentials for 'basic-auth'"],
    [[{ type: 'keystone-v3', url }], "Invalid secret: missing credentials for 'keystone-v3'"],
  ])('says of %j: %s', (value, message) => {
    expect(() => parseSessionSecrets(value)).toThrow(expect.objectContaining({ code: 'invalid-secret', message }));
  });

  it.each([['text'], [{}], [[null]], [['x']], [[{ type: 5 }]], [[{ type: 'macaroon', url, 'macaroon-credentials': 'a\r\nX: y' }]], [Array.from({ length: 257 }, () => ({ type: 'macaroon', url, 'macaroon-credentials': 'm' }))]])('refuses %j without showing it', (value) => {
    expect(() => parseSessionSecrets(value)).toThrow(expect.objectContaining({ code: 'invalid-secret' }));
  });
});
