import { expect, it } from '@jest/globals';
import { asS3Error } from './s3-errors.js';

it('tells whoever has given no credentials where they come from, and lets it be tried again', () => {
  const error = Object.assign(new Error('Could not load credentials from any providers'), { name: 'CredentialsProviderError' });
  expect(asS3Error(error, 'stable/repodata/repomd.xml')).toMatchObject({ code: 'storage-unavailable', suggestion: expect.stringContaining('AWS_ACCESS_KEY_ID') });
});
