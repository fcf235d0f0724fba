import { composeName, composeNameHistory, composeNameHistoryQuery, composeNamePage, composeNameQuery, promotion, rollback } from '../compose-names/compose-name-schemas.js';
import { json, queryParameters, text, withProblems } from './answers.js';
import type { Operation, Parameter } from './operation.js';

const parameters: readonly Parameter[] = [{ name: 'name', in: 'path', required: true, schema: { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,127}$' } }];

export const composeNameOperations: readonly Operation[] = [
  { method: 'get', path: '/v1/compose-names', operationId: 'listComposeNames', tag: 'composes', summary: 'Stable names of composes, by name', auth: 'basic', parameters: queryParameters(composeNameQuery), answers: withProblems({ 200: json('One page.', composeNamePage) }, 400, 401) },
  { method: 'get', path: '/v1/compose-names/{name}', operationId: 'getComposeName', tag: 'composes', summary: 'The compose that a name points at', auth: 'basic', parameters, answers: withProblems({ 200: json('The name.', composeName) }, 401, 404) },
  { method: 'get', path: '/v1/compose-names/{name}/history', operationId: 'getComposeNameHistory', tag: 'composes', summary: 'What a name has pointed at', auth: 'basic', parameters: [...parameters, ...queryParameters(composeNameHistoryQuery)], answers: withProblems({ 200: json('Newest first.', composeNameHistory) }, 400, 401, 404) },
  { method: 'put', path: '/v1/compose-names/{name}', operationId: 'promoteCompose', tag: 'composes', summary: 'Point a name at a compose that is done', auth: 'basic', parameters, body: promotion, answers: withProblems({ 200: json('The name as it is now.', composeName) }, 400, 401, 404, 409, 413) },
  { method: 'post', path: '/v1/compose-names/{name}/rollback', operationId: 'rollBackComposeName', tag: 'composes', summary: 'Point a name at a compose that it has pointed at before', auth: 'basic', parameters, body: rollback, bodyOptional: true, answers: withProblems({ 200: json('The name as it is now.', composeName) }, 400, 401, 404, 409, 413) },
  { method: 'delete', path: '/v1/compose-names/{name}', operationId: 'removeComposeName', tag: 'composes', summary: 'Remove a name; its compose expires as usual', auth: 'basic', parameters, answers: withProblems({ 204: { description: 'The name is removed.' } }, 401, 404) },
  {
    method: 'get',
    path: '/composes/latest/{path}',
    operationId: 'latestComposeFile',
    tag: 'composes',
    summary: 'Where a file is in the compose that a name points at; `<name>.repo` and `<name>.json` describe that',
    auth: 'none',
    parameters: [{ name: 'path', in: 'path', required: true, description: 'Begins with the name and may have slashes: `nightly/compose/Temporary/x86_64/os/repodata/repomd.xml`.', schema: { type: 'string' } }],
    answers: {
      200: { description: 'A page with all names, or a file beside a name.', content: { '*/*': 'binary' } },
      301: { description: 'A directory has a slash at its end.' },
      304: { description: 'What the client has is what there is.' },
      307: { description: 'The address of the file in its compose.' },
      404: text('There is no such name or file.'),
    },
  },
];
