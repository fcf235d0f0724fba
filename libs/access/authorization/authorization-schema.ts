import { z } from 'zod';

/** See docs/reference/access.md. */
export const authorizationSchema = z.strictObject({});
