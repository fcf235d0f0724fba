import { z } from 'zod';
import { cacheEntryPage, createSession, createdSession, downloadPage, downloadQuery, environmentQuery, policyCheck, policyCheckRequest, revokedSession, session, sessionPage, sessionQuery } from '../sessions/session-schemas.js';
import { json, queryParameters, sessionIdParameter, withProblems } from './answers.js';
import { sessionReport } from './error-schemas.js';
import type { Operation } from './operation.js';

const parameters = [sessionIdParameter];

export const sessionOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/sessions',
    operationId: 'listSessions',
    tag: 'sessions',
    summary: 'Sessions, newest first',
    auth: 'basic',
    parameters: queryParameters(sessionQuery),
    answers: withProblems({ 200: json('One page.', sessionPage) }, 400, 401),
  },
  { method: 'post', path: '/v1/sessions', operationId: 'createSession', tag: 'sessions', summary: 'Open a session', auth: 'basic', body: createSession, answers: withProblems({ 201: json('Opened; the token is shown this once.', createdSession) }, 400, 401, 413) },
  { method: 'get', path: '/v1/sessions/{id}', operationId: 'getSession', tag: 'sessions', summary: 'State and live totals of a session', auth: 'basic', parameters, answers: withProblems({ 200: json('The session.', session) }, 401, 404) },
  { method: 'delete', path: '/v1/sessions/{id}', operationId: 'deleteSession', tag: 'sessions', summary: 'End a session; ending one that has ended changes nothing', auth: 'basic', parameters, answers: withProblems({ 204: { description: 'Ended.' } }, 401, 404, 413) },
  {
    method: 'get',
    path: '/v1/sessions/{id}/downloads',
    operationId: 'listDownloads',
    tag: 'sessions',
    summary: 'Exchanges of a session in the order of their record, also while it runs',
    auth: 'basic',
    parameters: [...parameters, ...queryParameters(downloadQuery)],
    answers: withProblems({ 200: json('One page.', downloadPage) }, 400, 401, 404),
  },
  {
    method: 'get',
    path: '/v1/sessions/{id}/cache-entries',
    operationId: 'listSessionCacheEntries',
    tag: 'sessions',
    summary: 'Entries of the artifact cache that a session took, or pushed, also while it runs',
    auth: 'basic',
    parameters: [...parameters, ...queryParameters(downloadQuery)],
    answers: withProblems({ 200: json('One page.', cacheEntryPage) }, 400, 401, 404),
  },
  { method: 'get', path: '/v1/sessions/{id}/report', operationId: 'getReport', tag: 'sessions', summary: 'The report of a session whose token is revoked', auth: 'basic', parameters, answers: withProblems({ 200: json('The report.', sessionReport) }, 400, 401, 404) },
  {
    method: 'post',
    path: '/v1/sessions/{id}/policy-check',
    operationId: 'checkPolicy',
    tag: 'sessions',
    summary: 'What strict with another policy document would have refused of a session, finished or running; nothing is fetched',
    auth: 'basic',
    parameters,
    body: policyCheckRequest,
    answers: withProblems({ 200: json('Judged.', policyCheck) }, 400, 401, 404, 413),
  },
  { method: 'post', path: '/v1/sessions/{id}/revoke', operationId: 'revokeSession', tag: 'sessions', summary: 'Revoke the token of a session without having it', auth: 'basic', parameters, answers: withProblems({ 200: json('Revoked.', revokedSession) }, 401, 404, 409, 413) },
  {
    method: 'get',
    path: '/v1/sessions/{id}/env',
    operationId: 'sessionEnvironment',
    tag: 'sessions',
    summary: 'A snippet that sets every variable a build needs; it holds the token',
    auth: 'token',
    parameters: [...parameters, ...queryParameters(environmentQuery)],
    answers: withProblems({ 200: { description: 'Lines for the shell, or a JSON object of strings.', content: { 'text/plain': 'text', 'application/json': z.record(z.string(), z.string()) } } }, 400, 401, 409),
  },
];
