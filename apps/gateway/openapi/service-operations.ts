import { z } from 'zod';
import { json, text } from './answers.js';
import { cacheReadiness, readiness } from './error-schemas.js';
import type { Operation } from './operation.js';

export const serviceOperations: readonly Operation[] = [
  { method: 'get', path: '/healthz', operationId: 'healthz', tag: 'service', summary: 'The process is up', auth: 'none', answers: { 200: json('Up.', z.object({ status: z.literal('ok') })) } },
  { method: 'get', path: '/readyz', operationId: 'readyz', tag: 'service', summary: 'Sessions can be opened', auth: 'none', answers: { 200: json('Ready.', readiness), 503: json('Not ready.', readiness) } },
  { method: 'get', path: '/readyz/cache', operationId: 'readyzCache', tag: 'service', summary: 'Blobs of the artifact cache can be pulled and pushed', auth: 'none', answers: { 200: json('Ready.', cacheReadiness), 503: json('Not ready.', cacheReadiness) } },
  { method: 'get', path: '/metrics', operationId: 'metrics', tag: 'service', summary: 'Prometheus metrics', auth: 'setting', answers: { 200: text('Text exposition format.') } },
  { method: 'get', path: '/v1/openapi.json', operationId: 'openApi', tag: 'service', summary: 'This document', auth: 'none', answers: { 200: json('OpenAPI 3.1.', z.looseObject({ openapi: z.string() })) } },
];
