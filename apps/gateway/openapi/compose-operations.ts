import { composeDetail, composeEventPage, composeEventQuery, composePage, composePlan, composeQuery } from '../composes/compose-schemas.js';
import { json, queryParameters, text, withProblems } from './answers.js';
import type { Operation, Parameter } from './operation.js';

const parameters: readonly Parameter[] = [{ name: 'id', in: 'path', required: true, schema: { type: 'integer', minimum: 1, maximum: 999_999_999_999_999 } }];
const unchanged = { 304: { description: 'What the client has is what there is.' } };

export const composeOperations: readonly Operation[] = [
  { method: 'get', path: '/v1/composes', operationId: 'listComposes', tag: 'composes', summary: 'Composes, newest first', auth: 'basic', parameters: queryParameters(composeQuery), answers: withProblems({ 200: json('One page.', composePage) }, 400, 401) },
  { method: 'get', path: '/v1/composes/{id}', operationId: 'getCompose', tag: 'composes', summary: 'A compose, with its place in the queue and its attempts', auth: 'basic', parameters, answers: withProblems({ 200: json('The compose.', composeDetail) }, 401, 404) },
  { method: 'get', path: '/v1/composes/{id}/events', operationId: 'listComposeEvents', tag: 'composes', summary: 'All that happened to a compose', auth: 'basic', parameters: [...parameters, ...queryParameters(composeEventQuery)], answers: withProblems({ 200: json('One page.', composeEventPage) }, 400, 401, 404) },
  { method: 'get', path: '/v1/composes/{id}/packages', operationId: 'getComposePackages', tag: 'composes', summary: 'The plan of a compose: every package with its digest, signature and origin', auth: 'basic', parameters, answers: withProblems({ 200: json('The plan, byte by byte as its digest says.', composePlan), ...unchanged }, 401, 404) },
  {
    method: 'get',
    path: '/composes/{path}',
    operationId: 'composeFile',
    tag: 'composes',
    summary: 'A file or a directory of a compose, with ranges',
    auth: 'none',
    parameters: [{ name: 'path', in: 'path', required: true, description: 'It may have slashes: `odcs-1/compose/Temporary/odcs-1.repo`.', schema: { type: 'string' } }],
    answers: {
      200: { description: 'The file, or a page with the names in a directory.', content: { '*/*': 'binary' } },
      206: { description: 'A part of the file.', content: { '*/*': 'binary' } },
      301: { description: 'A directory has a slash at its end.' },
      ...unchanged,
      404: text('There is no such file.'),
      410: text('The compose is removed; why.'),
      416: text('No such part.'),
    },
  },
];
