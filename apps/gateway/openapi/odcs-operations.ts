import type { ZodType } from 'zod';
import { odcsAbout, odcsCompose, odcsComposeDetail, odcsComposeList, odcsDeleted, odcsError, odcsNewCompose, odcsRenewal } from '../odcs/odcs-schemas.js';
import { json, text } from './answers.js';
import type { Answer, Operation, Parameter } from './operation.js';

const errors: Readonly<Record<number, string>> = {
  400: 'The request is wrong; `message` says how.',
  401: 'Credentials are missing, wrong or expired, where the service asks for them.',
  403: 'The caller may not do this, as `message` says, or a page of another site asks.',
  404: 'No such compose.',
  413: 'The body is larger than 1 MiB.',
  409: 'A stable name points at it.',
  422: 'The idempotency key was used for another request.',
  503: 'The record cannot be reached now; try again.',
};

function answers(status: number, description: string, schema: ZodType, ...failures: readonly number[]): Readonly<Record<number, Answer>> {
  return { [status]: json(description, schema), ...Object.fromEntries([...failures, 503].map((each) => [each, json(errors[each] ?? 'An error.', odcsError)])) };
}

const unchanged: Readonly<Record<number, Answer>> = { 304: { description: 'What the client has is what there is.' } };
const id: Parameter = { name: 'id', in: 'path', required: true, schema: { type: 'integer', minimum: 1, maximum: 999_999_999_999_999 } };
const known: Parameter = { name: 'If-None-Match', in: 'header', description: 'The `ETag` of an answer before: 304 when nothing has changed.', schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,256}$' } };
const key: Parameter = { name: 'Idempotency-Key', in: 'header', description: 'A request that is repeated with the same key answers the compose of the first.', schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' } };
const query = (name: string, description: string, schema: object = { type: 'string' }): Parameter => ({ name, in: 'query', description, schema });

const listParameters: readonly Parameter[] = [
  query('owner', 'Equal to this.'),
  query('source_type', 'A name, or its number.'),
  query('source', 'Equal to this.'),
  query('state', 'A name, or its number.'),
  query('koji_task_id', 'No compose has one.'),
  query('pungi_compose_id', 'Equal to this.'),
  query('compose_type', 'Equal to this.'),
  query('label', 'Equal to this.'),
  query('order_by', 'id (default, descending), owner, source_type, koji_event, state, time_to_expire, time_submitted, time_done or time_removed; with `-` before it, descending.'),
  query('page', 'From 1; what is none is 1.'),
  query('per_page', '10 when it is none; at most 100, and `meta` says which it is.'),
  known,
];

export const odcsOperations: readonly Operation[] = [
  { method: 'get', path: '/api/1/composes/', operationId: 'odcsListComposes', tag: 'odcs', summary: 'Composes, a page of them', auth: 'setting', parameters: listParameters, answers: { ...answers(200, 'One page.', odcsComposeList, 400), ...unchanged } },
  {
    method: 'post',
    path: '/api/1/composes/',
    operationId: 'odcsNewCompose',
    tag: 'odcs',
    summary: 'Ask for a compose',
    auth: 'setting',
    parameters: [key],
    body: odcsNewCompose,
    answers: answers(200, 'Recorded; it waits.', odcsCompose, 400, 401, 403, 413, 422),
  },
  {
    method: 'get',
    path: '/api/1/composes/{id}',
    operationId: 'odcsGetCompose',
    tag: 'odcs',
    summary: 'A compose; with `Accept: text/event-stream`, each of its states from now on',
    auth: 'setting',
    parameters: [id, query('wait', 'Seconds, at most 60: answer when its state changes, or it has ended, or the time is over.', { type: 'number', minimum: 0 }), known],
    answers: { ...answers(200, 'The compose.', odcsComposeDetail, 400, 404), ...unchanged },
  },
  { method: 'patch', path: '/api/1/composes/{id}', operationId: 'odcsRenewCompose', tag: 'odcs', summary: 'Let it expire later, or make a new one with the same packages', auth: 'setting', parameters: [id, key], body: odcsRenewal, bodyOptional: true, answers: answers(200, 'The compose, or the new one.', odcsCompose, 400, 401, 403, 404, 413, 422) },
  { method: 'delete', path: '/api/1/composes/{id}', operationId: 'odcsDeleteCompose', tag: 'odcs', summary: 'Cancel what is not done, remove what is', auth: 'setting', parameters: [id], answers: answers(202, 'Cancelled, or removed soon.', odcsDeleted, 400, 401, 403, 404, 409, 413) },
  { method: 'get', path: '/api/1/about/', operationId: 'odcsAbout', tag: 'odcs', summary: 'What clients of ODCS ask about the service', auth: 'none', answers: answers(200, 'About it.', odcsAbout) },
  { method: 'get', path: '/api/1/metrics/', operationId: 'odcsMetrics', tag: 'odcs', summary: 'Prometheus metrics by the names of ODCS', auth: 'setting', answers: { 200: text('Text exposition format.'), 503: json(errors[503] ?? '', odcsError) } },
  { method: 'get', path: '/api/1/', operationId: 'odcsApiPage', tag: 'odcs', summary: 'This API as a page', auth: 'none', answers: { 200: { description: 'A page.', content: { 'text/html': 'text' } } } },
];
