import { Webhook } from 'standardwebhooks';
import { MillraceError } from '../errors/millrace-error.js';

/** What signs and verifies with a secret. Errors: `invalid-setting`, without the secret. */
export function standardWebhook(secret: string): Webhook {
  try {
    return new Webhook(secret);
  } catch {
    throw new MillraceError('invalid-setting', 'a webhook secret must be base64, with or without whsec_ before it');
  }
}
