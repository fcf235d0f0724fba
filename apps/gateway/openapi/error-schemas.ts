import { z } from 'zod';

/** RFC 9457, with a stable code and what to do about it. */
export const problem = z
  .object({
    type: z.string().describe('`urn:millrace:error:<code>`'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string().describe('Stable; listed in docs/reference/control-api.md.'),
    suggestion: z.string().optional().describe('What to do about it.'),
    mistakes: z
      .array(z.looseObject({ file: z.string(), line: z.int().min(1), column: z.int().min(1), path: z.string(), message: z.string() }).partial())
      .optional()
      .describe('Each thing that is wrong, where there may be several. With `invalid-policy-document`: where in the document, at most 100; with a change of a repository that is refused: each package, and why.'),
  })
  .meta({ id: 'Problem' });

export const readiness = z.object({ ready: z.boolean(), database: z.enum(['ok', 'away']), workflowEngine: z.enum(['ok', 'away']) }).meta({ id: 'Readiness' });
export const cacheReadiness = z.object({ ready: z.boolean(), database: z.enum(['ok', 'away']), store: z.enum(['ok', 'away']) }).meta({ id: 'CacheReadiness' });

export const sessionReport = z
  .looseObject({
    generator: z.string(),
    comment: z.string(),
    'session-id': z.string(),
    'start-time': z.string(),
    'end-time': z.string(),
    inspectors: z.array(z.string()),
    'spool-path': z.string(),
    policy: z.enum(['strict', 'permissive']),
    artifacts: z.array(z.looseObject({ result: z.enum(['Approved', 'Rejected']), metadata: z.looseObject({}), downloads: z.array(z.looseObject({})) })),
  })
  .meta({ id: 'SessionReport', description: 'The report of fetch-service, with keys of our own beside; docs/reference describes every key.' });
