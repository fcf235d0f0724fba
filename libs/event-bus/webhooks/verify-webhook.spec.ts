import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { verifyWebhook } from './verify-webhook.js';

describe('a webhook whose secret has been replaced by what is none', () => {
  const body = Buffer.from('{}');
  const timestamp = String(Math.floor(Date.now() / 1000));

  it.each(['%%%%', '!', 'whsec_', 'whsec_?'])('is not taken with the key that is left of %j', async (secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    const headers = { 'webhook-id': '1', 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${createHmac('sha256', key).update(`1.${timestamp}.{}`).digest('base64')}` };
    await expect(verifyWebhook({ kind: 'standard-webhooks', secrets: [{ env: 'SECRET' }] }, { headers, body }, { SECRET: secret })).rejects.toMatchObject({ code: 'invalid-setting' });
  });
});
