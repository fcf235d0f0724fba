import { z } from 'zod';
import { policySchema } from '../../../libs/policy/policy-schema.js';
import { maximumTimeoutSeconds } from '../session-lifecycle/open-request.js';

/** The wire shapes of fetch-service's control API; also the source of its part of the OpenAPI document. */
const time = z.iso.datetime({ offset: true });

export const serviceStatus = z
  .object({
    uptime: z.int().min(0).describe('Seconds since this gateway started.'),
    'start-time': time,
    'session-count': z.int().min(0).describe('Sessions opened ever.'),
    'active-sessions': z.array(
      z.object({
        'session-id': z.string(),
        'start-time': time,
        policy: z.enum(['strict', 'permissive']),
        age: z.int().min(0).describe('Seconds.'),
        timeout: z.int().min(0).describe('Seconds.'),
      }),
    ),
  })
  .meta({ id: 'ServiceStatus' });

const secretUrl = z.string().describe('Glob on the normalised URL, https with its port: `https://host:443/org/**`; `*` does not cross `/`, `**` does.');

export const sessionSecret = z
  .union([
    z.object({ type: z.literal('basic-auth'), url: secretUrl, 'basic-credentials': z.string().describe('user:password') }),
    z.object({ type: z.literal('macaroon'), url: secretUrl, 'macaroon-credentials': z.string() }),
    z.object({ type: z.literal('keystone-v3'), url: secretUrl, 'keystone-v3-credentials': z.string().describe('user:password') }),
  ])
  .meta({ id: 'SessionSecret' });

export const openSession = z
  .object({
    policy: z.string().optional().describe('`permissive`, where the service allows it; anything else, or nothing, is strict.'),
    timeout: z.int().min(0).max(maximumTimeoutSeconds).optional().describe('Seconds from opening until the session expires; 0 or absent: 21600.'),
    secrets: z.array(sessionSecret).optional(),
    'inspectors-configuration': z.record(z.string(), z.unknown()).optional(),
    'policy-document': z.union([z.string(), policySchema]).optional().describe('Millrace only: the policy document of this session, an object or its text in YAML or JSON.'),
    retain: z.boolean().optional().describe('Millrace only: keep the record when the session ends or expires.'),
  })
  .meta({ id: 'OpenSession' });

export const openedSession = z.strictObject({ id: z.string().regex(/^[a-z0-9]{1,64}$/), token: z.string().regex(/^[A-Za-z0-9]{20,}$/) }).meta({ id: 'OpenedSession' });

export const revokeToken = z.object({ token: z.string() }).meta({ id: 'RevokeToken' });

export const revokedToken = z.object({ 'session-id': z.string(), 'start-time': time, 'end-time': time, 'spool-path': z.string() }).meta({ id: 'RevokedToken' });

export type ServiceStatus = z.infer<typeof serviceStatus>;
export type RevokedToken = z.infer<typeof revokedToken>;
