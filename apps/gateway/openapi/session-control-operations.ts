import { openSession, openedSession, revokeToken, revokedToken, serviceStatus } from '../session-control/session-control-schemas.js';
import { json, sessionIdParameter, text } from './answers.js';
import { sessionReport } from './error-schemas.js';
import type { Operation } from './operation.js';

const unauthorized = text('`401 Unauthorized`');
const unknown = text('`404 Not Found`');
const away = text('`503 Service Unavailable`: the record cannot be reached now.');
const parameters = [sessionIdParameter];

/** The contract of fetch-service: plain-text errors, JSON bodies under any media type. */
export const sessionControlOperations: readonly Operation[] = [
  { method: 'get', path: '/status', operationId: 'status', tag: 'fetch-service', summary: 'Uptime and the sessions that are held', auth: 'setting', answers: { 200: json('The service is up.', serviceStatus), 503: away } },
  {
    method: 'post',
    path: '/session',
    operationId: 'openSession',
    tag: 'fetch-service',
    summary: 'Open a session',
    auth: 'basic',
    body: openSession,
    answers: { 200: json('Exactly the id and the token.', openedSession), 400: text('Wrong JSON, `Invalid session policy` or `Invalid secret: …`'), 401: unauthorized, 413: text('`413 Payload Too Large`'), 503: away },
  },
  {
    method: 'delete',
    path: '/session/{id}/token',
    operationId: 'revokeToken',
    tag: 'fetch-service',
    summary: 'Revoke the token: when this has answered, nothing of the session goes upstream any more. The token is the credential.',
    auth: 'none',
    parameters,
    body: revokeToken,
    answers: { 200: json('Revoked; again with the right token, too.', revokedToken), 400: text('`invalid session token`, or wrong JSON'), 404: unknown, 413: text('`413 Payload Too Large`'), 503: away },
  },
  {
    method: 'get',
    path: '/session/{id}',
    operationId: 'sessionReport',
    tag: 'fetch-service',
    summary: 'The report of a revoked session',
    auth: 'basic',
    parameters,
    answers: { 200: json('The report.', sessionReport), 400: text('`session token is active`'), 401: unauthorized, 404: unknown, 503: away },
  },
  { method: 'delete', path: '/session/{id}', operationId: 'endSession', tag: 'fetch-service', summary: 'End the session and delete what was stored for it', auth: 'basic', parameters, answers: { 200: { description: 'Ended.' }, 401: unauthorized, 404: unknown, 503: away } },
  {
    method: 'delete',
    path: '/resources/{id}',
    operationId: 'removeResources',
    tag: 'fetch-service',
    summary: 'Remove what an ended session left; nothing is left here, so this only checks that the session has ended',
    auth: 'basic',
    parameters,
    answers: { 200: { description: 'Nothing is left; also for an unknown id.' }, 401: unauthorized, 409: text('`session is not finished`'), 503: away },
  },
];
