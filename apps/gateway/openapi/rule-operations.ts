import { dryRun, dryRunRequest, replayRequest, ruleDetail, ruleList } from '../rules/rule-schemas.js';
import { json, withProblems } from './answers.js';
import type { Operation, Parameter } from './operation.js';

const parameters: readonly Parameter[] = [{ name: 'name', in: 'path', required: true, schema: { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' } }];
const changed = json('The rule, as it is then.', ruleDetail);

export const ruleOperations: readonly Operation[] = [
  { method: 'get', path: '/v1/rules', operationId: 'listRules', tag: 'rules', summary: 'All rules that there are, or were', auth: 'basic', answers: withProblems({ 200: json('By name.', ruleList) }, 401) },
  { method: 'post', path: '/v1/rules/dry-run', operationId: 'dryRunRules', tag: 'rules', summary: 'What rules, the service’s own or others, make of a message, or would have made of those of the last hours', auth: 'basic', body: dryRunRequest, answers: withProblems({ 200: json('Nothing was asked for.', dryRun) }, 400, 401, 404, 413) },
  { method: 'get', path: '/v1/rules/{name}', operationId: 'getRule', tag: 'rules', summary: 'A rule, with what it has under way and its last composes', auth: 'basic', parameters, answers: withProblems({ 200: json('The rule.', ruleDetail) }, 401, 404) },
  { method: 'post', path: '/v1/rules/{name}/pause', operationId: 'pauseRule', tag: 'rules', summary: 'Lets a rule rest; composes under way go on', auth: 'basic', parameters, answers: withProblems({ 200: changed }, 401, 404) },
  { method: 'post', path: '/v1/rules/{name}/resume', operationId: 'resumeRule', tag: 'rules', summary: 'Lets a rule go on with what came meanwhile', auth: 'basic', parameters, answers: withProblems({ 200: changed }, 401, 404) },
  { method: 'post', path: '/v1/rules/{name}/replay', operationId: 'replayRule', tag: 'rules', summary: 'Has a rule look again at one message, or at all since a time', auth: 'basic', parameters, body: replayRequest, answers: withProblems({ 200: changed }, 400, 401, 404) },
];
