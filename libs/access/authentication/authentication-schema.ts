import { z } from 'zod';

/** See docs/reference/access.md. */
export const authenticationSchema = z.strictObject({});
