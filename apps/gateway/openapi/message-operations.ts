import { z } from 'zod';
import { parkedMessage, parkedMessagePage, parkedMessageQuery, takenEvent } from '../rules/message-schemas.js';
import { json, queryParameters, withProblems } from './answers.js';
import type { Operation, Parameter } from './operation.js';

const parked: readonly Parameter[] = [{ name: 'id', in: 'path', required: true, schema: { type: 'integer', minimum: 1, maximum: 999_999_999_999_999 } }];
const bus: Parameter = { name: 'bus', in: 'path', required: true, description: 'A bus of type `webhook` in MILLRACE_COMPOSE_RULES.', schema: { type: 'string' } };

export const messageOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/events/{bus}',
    operationId: 'takeEvent',
    tag: 'rules',
    summary: 'A webhook, signed as the bus demands; answered once the event is durable',
    auth: 'signature',
    parameters: [bus],
    body: z.unknown().describe('JSON; its very bytes are signed.'),
    answers: withProblems({ 202: json('It need not be sent again.', takenEvent) }, 401, 413),
  },
  { method: 'get', path: '/v1/parked-messages', operationId: 'listParkedMessages', tag: 'rules', summary: 'Messages that could not be read, or that a rule could not make a request of; newest first', auth: 'basic', parameters: queryParameters(parkedMessageQuery), answers: withProblems({ 200: json('One page.', parkedMessagePage) }, 400, 401) },
  { method: 'post', path: '/v1/parked-messages/{id}/retry', operationId: 'retryParkedMessage', tag: 'rules', summary: 'Has a parked message looked at again, and parks it no more', auth: 'basic', parameters: parked, answers: withProblems({ 200: json('The message, as it was parked.', parkedMessage) }, 400, 401, 404) },
  { method: 'delete', path: '/v1/parked-messages/{id}', operationId: 'dropParkedMessage', tag: 'rules', summary: 'Forgets a parked message', auth: 'basic', parameters: parked, answers: withProblems({ 200: json('The message, as it was parked.', parkedMessage) }, 401, 404) },
];
