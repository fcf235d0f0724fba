import { changePage, changePreview, changeView, checking, importing, maintenance, maintenanceReport, pruned, publication, removal, rollback, signing, uploadList, uploadQuery, uploadView } from '../repositories/change-schemas.js';
import { feed, feedRequest } from '../repositories/feed-schemas.js';
import { changeQuery, diffQuery, keyList, knownPackage, newRepository, origins, packagePage, packageQuery, removalQuery, repositoryDetail, repositoryPage, repositoryQuery, repositoryView, settingsChange, stateDiff, statePage, stateQuery, stateView } from '../repositories/repository-schemas.js';
import { z } from 'zod';
import { json, problemAnswer, queryParameters, text, withProblems } from './answers.js';
import type { Answer, Operation, Parameter } from './operation.js';

const root = '/v1/repositories';
const name: Parameter = { name: 'name', in: 'path', required: true, schema: { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,127}$' } };
const prefer: Parameter = { name: 'Prefer', in: 'header', description: '`wait=N`: seconds that the answer may wait for the end of the change, up to 600; 4 unless told.', schema: { type: 'string' } };
const digest = (field: string): Parameter => ({ name: field, in: 'header', description: 'RFC 9530; its `sha-256` is checked against what arrives.', schema: { type: 'string' } });
const more = (status: 422 | 507, description: string): Readonly<Record<number, Answer>> => ({ [status]: problemAnswer(description) });

const changeAnswers = withProblems(
  {
    200: json('The change has ended, with its outcome; or what it would do.', z.union([changeView, changePreview])),
    202: json('It is recorded and goes on; `Location` tells what becomes of it.', changeView),
    ...more(422, 'A package is no good for this repository, or the id is that of another change.'),
  },
  400, 401, 404, 409, 413,
);
const maintained = (description: string): Operation['answers'] => withProblems({ 200: json(description, maintenanceReport) }, 400, 401, 404, 409, 413);

const reading: readonly Operation[] = [
  { method: 'get', path: root, operationId: 'listRepositories', tag: 'repositories', summary: 'Package repositories, by name', auth: 'basic', parameters: queryParameters(repositoryQuery), answers: withProblems({ 200: json('One page.', repositoryPage) }, 400, 401) },
  { method: 'get', path: `${root}/{name}`, operationId: 'getRepository', tag: 'repositories', summary: 'A repository, and what its workflow does', auth: 'basic', parameters: [name], answers: withProblems({ 200: json('The repository.', repositoryDetail) }, 401, 404) },
  { method: 'get', path: `${root}/{name}/packages`, operationId: 'listRepositoryPackages', tag: 'repositories', summary: 'Packages that a state lists', auth: 'basic', parameters: [name, ...queryParameters(packageQuery)], answers: withProblems({ 200: json('One page.', packagePage) }, 400, 401, 404) },
  { method: 'get', path: `${root}/{name}/packages/{key}`, operationId: 'getRepositoryPackage', tag: 'repositories', summary: 'A package, where it came from, and since when it is listed', auth: 'basic', parameters: [name, { name: 'key', in: 'path', required: true, schema: { type: 'string', maxLength: 512 } }], answers: withProblems({ 200: json('The package.', knownPackage) }, 400, 401, 404) },
  { method: 'get', path: `${root}/{name}/states`, operationId: 'listRepositoryStates', tag: 'repositories', summary: 'Published states, the latest first', auth: 'basic', parameters: [name, ...queryParameters(stateQuery)], answers: withProblems({ 200: json('One page.', statePage) }, 400, 401, 404) },
  { method: 'get', path: `${root}/{name}/states/{state}`, operationId: 'getRepositoryState', tag: 'repositories', summary: 'A published state and the files of its index', auth: 'basic', parameters: [name, { name: 'state', in: 'path', required: true, schema: { type: 'integer', minimum: 1 } }], answers: withProblems({ 200: json('The state.', stateView) }, 401, 404) },
  { method: 'get', path: `${root}/{name}/diff`, operationId: 'diffRepositoryStates', tag: 'repositories', summary: 'What two states do not have in common', auth: 'basic', parameters: [name, ...queryParameters(diffQuery).map((each) => ({ ...each, required: true }))], answers: withProblems({ 200: json('Packages that are added and removed from the one to the other.', stateDiff) }, 400, 401, 404) },
  { method: 'get', path: `${root}/{name}/changes`, operationId: 'listRepositoryChanges', tag: 'repositories', summary: 'Changes, the latest first', auth: 'basic', parameters: [name, ...queryParameters(changeQuery)], answers: withProblems({ 200: json('One page.', changePage) }, 400, 401, 404) },
  { method: 'get', path: `${root}/{name}/changes/{id}`, operationId: 'getRepositoryChange', tag: 'repositories', summary: 'A change and what became of it', auth: 'basic', parameters: [name, { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }, { ...prefer, description: '`wait=N`: seconds that the answer may wait for its end, up to 600; none unless told.' }], answers: withProblems({ 200: json('The change.', changeView) }, 400, 401, 404) },
  { method: 'get', path: `${root}/{name}/keys`, operationId: 'getRepositoryKeys', tag: 'repositories', summary: 'Public halves of the keys that sign a repository', auth: 'basic', parameters: [name], answers: withProblems({ 200: json('The keys.', keyList) }, 401, 404) },
  { method: 'get', path: `${root}/{name}/report`, operationId: 'getRepositoryReport', tag: 'repositories', summary: 'What the last check has found', auth: 'basic', parameters: [name], answers: withProblems({ 200: json('The report.', maintenanceReport) }, 401, 404) },
  { method: 'get', path: `${root}/{name}/report.txt`, operationId: 'getRepositoryReportText', tag: 'repositories', summary: 'The same as HaikuPorter’s frontend shows it', auth: 'basic', parameters: [name], answers: withProblems({ 200: text('The report.') }, 401, 404) },
  { method: 'post', path: `${root}/{name}/feed`, operationId: 'feedBuilder', tag: 'repositories', summary: 'What a builder has to fetch, keep and drop for a build', auth: 'basic', parameters: [name], body: feedRequest, answers: withProblems({ 200: json('Nothing that it has is to be fetched.', feed) }, 400, 401, 404, 413) },
  { method: 'get', path: '/v1/packages/{sha256}/origins', operationId: 'getPackageOrigins', tag: 'repositories', summary: 'Sessions, composes and repositories that have had these bytes', auth: 'basic', parameters: [{ name: 'sha256', in: 'path', required: true, schema: { type: 'string', pattern: '^[0-9a-f]{64}$' } }], answers: withProblems({ 200: json('All that are known.', origins) }, 400, 401) },
];

const changing: readonly Operation[] = [
  { method: 'post', path: root, operationId: 'createRepository', tag: 'repositories', summary: 'Make a repository', auth: 'basic', body: newRepository, answers: withProblems({ 201: json('The repository.', repositoryView), ...more(422, 'There is no such signing key.') }, 400, 401, 409, 413) },
  { method: 'patch', path: `${root}/{name}`, operationId: 'configureRepository', tag: 'repositories', summary: 'Set settings; what clients see of them follows with a state of its own', auth: 'basic', parameters: [name, prefer], body: settingsChange, answers: withProblems({ 200: json('The repository as it is now.', repositoryView), ...more(422, 'There is no such signing key.') }, 400, 401, 404, 409, 413) },
  { method: 'delete', path: `${root}/{name}`, operationId: 'removeRepository', tag: 'repositories', summary: 'Forget a repository; its objects stay', auth: 'basic', parameters: [name, ...queryParameters(removalQuery)], answers: withProblems({ 204: { description: 'It is forgotten.' } }, 400, 401, 404, 409) },
  {
    method: 'post',
    path: `${root}/{name}/uploads`,
    operationId: 'uploadPackage',
    tag: 'repositories',
    summary: 'Hand in package files, to be published by a change; unused ones are forgotten after a day',
    auth: 'basic',
    parameters: [name, ...queryParameters(uploadQuery), digest('Repr-Digest'), digest('Content-Digest')],
    binaryBody: ['application/octet-stream', 'multipart/form-data'],
    answers: withProblems({ 201: json('The upload; of a form, each of its files.', z.union([uploadView, uploadList])), 408: problemAnswer('The body comes too slowly.'), ...more(422, 'What arrived is not what its digest says, or the id is that of another upload.'), ...more(507, 'The store is full, or the publisher, all publishers or the repository have as many bytes as the settings allow.') }, 400, 401, 404, 413),
  },
  { method: 'get', path: `${root}/{name}/uploads/{id}`, operationId: 'getPackageUpload', tag: 'repositories', summary: 'An upload that no change has used up yet', auth: 'basic', parameters: [name, { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }], answers: withProblems({ 200: json('The upload.', uploadView) }, 401, 404) },
  { method: 'delete', path: `${root}/{name}/uploads/{id}`, operationId: 'discardPackageUpload', tag: 'repositories', summary: 'Take back an upload that no change has', auth: 'basic', parameters: [name, { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }], answers: withProblems({ 204: { description: 'It is gone.' } }, 401, 404, 409) },
  { method: 'post', path: `${root}/{name}/publish`, operationId: 'publishPackages', tag: 'repositories', summary: 'Publish packages, all or none of them', auth: 'basic', parameters: [name, prefer], body: publication, answers: changeAnswers },
  { method: 'post', path: `${root}/{name}/remove`, operationId: 'removePackages', tag: 'repositories', summary: 'Take packages out of what clients see', auth: 'basic', parameters: [name, prefer], body: removal, answers: changeAnswers },
  { method: 'post', path: `${root}/{name}/rollback`, operationId: 'rollBackRepository', tag: 'repositories', summary: 'Let clients see what an older state had, as a new state', auth: 'basic', parameters: [name, prefer], body: rollback, answers: changeAnswers },
  { method: 'post', path: `${root}/{name}/sign`, operationId: 'signRepository', tag: 'repositories', summary: 'Write and sign the index again', auth: 'basic', parameters: [name, prefer], body: signing, bodyOptional: true, answers: changeAnswers },
  { method: 'post', path: `${root}/{name}/prune`, operationId: 'pruneRepository', tag: 'repositories', summary: 'Move what nothing lists to `.obsolete/`, delete what lay there for long', auth: 'basic', parameters: [name], body: maintenance, bodyOptional: true, answers: withProblems({ 200: json('What was done, or would be.', pruned) }, 400, 401, 404, 409, 413) },
  { method: 'post', path: `${root}/{name}/check`, operationId: 'checkRepository', tag: 'repositories', summary: 'Compare a repository with its record', auth: 'basic', parameters: [name], body: checking, bodyOptional: true, answers: maintained('The report.') },
  { method: 'post', path: `${root}/{name}/repair`, operationId: 'repairRepository', tag: 'repositories', summary: 'Mend what a check finds', auth: 'basic', parameters: [name], body: maintenance, bodyOptional: true, answers: maintained('What was mended, or would be.') },
  { method: 'post', path: `${root}/{name}/sync`, operationId: 'synchroniseRepository', tag: 'repositories', summary: 'Fetch what the upstream of a mirror has', auth: 'basic', parameters: [name], body: maintenance, bodyOptional: true, answers: maintained('What was fetched and dropped, or would be.') },
  { method: 'post', path: `${root}/{name}/import`, operationId: 'importRepository', tag: 'repositories', summary: 'Take over what another repository lists, once', auth: 'basic', parameters: [name], body: importing, answers: maintained('What was fetched, or would be.') },
];

const serving: readonly Operation[] = [
  {
    method: 'get',
    path: '/repositories/{path}',
    operationId: 'repositoryFile',
    tag: 'repositories',
    summary: 'Files of repositories, as package managers read them',
    auth: 'setting',
    parameters: [
      { name: 'path', in: 'path', required: true, description: 'Begins with the name and may have slashes: `stable/repodata/repomd.xml`.', schema: { type: 'string' } },
      { name: 'Range', in: 'header', description: 'One range of bytes; several are answered with the whole file.', schema: { type: 'string' } },
    ],
    answers: {
      200: { description: 'The file, or a page of links.', content: { '*/*': 'binary' } },
      206: { description: 'A part of the file.', content: { '*/*': 'binary' } },
      301: { description: 'A repository has a slash at its end.' },
      302: { description: 'The package is in the store itself (`MILLRACE_REPOSITORY_REDIRECT`).' },
      304: { description: 'What the client has is what there is.' },
      404: text('The repository lists no such file.'),
      416: text('The file has no such bytes.'),
      502: text('The store refuses.'),
      503: text('The record or the store cannot be reached now.'),
    },
  },
];

export const repositoryOperations: readonly Operation[] = [...reading, ...changing, ...serving];
