import type { ZodType } from 'zod';
import { accessAnswers } from './access-answers.js';
import { gatewayVersion } from '../gateway-version.js';
import { namedSchemas, schemaOrReference } from './json-schema.js';
import type { Answer, Operation } from './operation.js';
import { operations } from './operations.js';

/** Any of them, as far as the service takes it. */
const logins = [{ controlAuth: [] }, { bearerToken: [] }, { negotiate: [] }, { clientCertificate: [] }];

/** OpenAPI 3.1 of everything that the gateway answers; docs/reference/openapi.json is this, and a spec keeps it so. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) (paths[operation.path] ??= {})[operation.method] = operationObject(operation);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version: gatewayVersion,
      description: 'Recorded fetch sessions, composes, package repositories and an artifact cache. The operations tagged fetch-service keep the contract of Canonical’s fetch-service, those tagged odcs that of ODCS; those under /v1 are our own.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'fetch-service', description: 'The control API of fetch-service' },
      { name: 'sessions', description: 'Sessions, as Millrace shows them' },
      { name: 'odcs', description: 'Composes, with the REST API of ODCS' },
      { name: 'composes', description: 'Composes, as Millrace shows them, and their files' },
      { name: 'rules', description: 'Messages of buses, and what rules make of them' },
      { name: 'repositories', description: 'Package repositories: what they list, how that is changed, and their files' },
      { name: 'caches', description: 'The artifact cache: HTTP caches of build tools, and what is in them' },
      { name: 'ca', description: 'The certificate authority, in the formats that build tools read' },
      { name: 'service', description: 'Health, metrics and this document' },
    ],
    paths,
    components: {
      schemas: namedSchemas(),
      securitySchemes: {
        controlAuth: { type: 'http', scheme: 'basic', description: 'MILLRACE_CONTROL_AUTH (or FETCH_SERVICE_AUTH)' },
        bearerToken: { type: 'http', scheme: 'bearer', description: 'A token of the OpenID provider that MILLRACE_ACCESS names' },
        negotiate: { type: 'http', scheme: 'negotiate', description: 'Kerberos, where MILLRACE_ACCESS has it' },
        clientCertificate: { type: 'mutualTLS', description: 'A certificate of the authority that MILLRACE_ACCESS names' },
        webhookSignature: { type: 'apiKey', in: 'header', name: 'webhook-signature', description: 'Of the body, as Standard Webhooks has it, unless the bus has a header of its own' },
        sessionToken: { type: 'apiKey', in: 'header', name: 'Millrace-Session-Token', description: 'The token of the session in the path' },
      },
    },
  };
}

function operationObject(operation: Operation): object {
  return {
    operationId: operation.operationId,
    tags: [operation.tag],
    summary: operation.summary,
    security: { basic: logins, token: [{ sessionToken: [] }], signature: [{ webhookSignature: [] }], setting: [{}, ...logins], none: [] }[operation.auth],
    ...(operation.parameters === undefined ? {} : { parameters: operation.parameters }),
    ...(operation.binaryBody === undefined ? {} : { requestBody: { required: true, content: Object.fromEntries(operation.binaryBody.map((type) => [type, {}])) } }),
    ...(operation.body === undefined ? {} : { requestBody: { required: operation.bodyOptional !== true, content: { 'application/json': { schema: schemaOrReference(operation.body) } } } }),
    responses: Object.fromEntries(Object.entries(accessAnswers(operation)).map(([status, answer]) => [status, answerObject(answer)])),
  };
}

function answerObject({ description, content }: Answer): object {
  if (content === undefined) return { description };
  return { description, content: Object.fromEntries(Object.entries(content).map(([mediaType, schema]) => [mediaType, mediaTypeObject(schema)])) };
}

function mediaTypeObject(schema: ZodType | 'text' | 'binary'): object {
  if (schema === 'binary') return {};
  return { schema: schema === 'text' ? { type: 'string' } : schemaOrReference(schema) };
}
