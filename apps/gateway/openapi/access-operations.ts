import { accessExplanation, explainRequest, whoAmI } from '../access/access-schemas.js';
import { json, withProblems } from './answers.js';
import type { Operation } from './operation.js';

export const accessOperations: readonly Operation[] = [
  { method: 'get', path: '/v1/access', operationId: 'whoAmI', tag: 'service', summary: 'Who the caller is here: name, groups, roles, quota and what of it is taken', auth: 'setting', answers: withProblems({ 200: json('The caller.', whoAmI) }, 401) },
  {
    method: 'post',
    path: '/v1/access/explain',
    operationId: 'explainAccess',
    tag: 'service',
    summary: 'Whether somebody might ask for a compose, and by which entry of the access file; nothing is made',
    auth: 'basic',
    body: explainRequest,
    answers: withProblems({ 200: json('What would be decided.', accessExplanation) }, 400, 401, 413),
  },
];
