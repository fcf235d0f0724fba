import path from 'node:path';
import { describeReplays } from '../__fixtures__/describe-replays.js';
import { recordScenario, scenarios } from './__fixtures__/recorded-scenarios.js';
import { composeWorkflowId } from './compose-messages.js';

describeReplays(
  path.join(import.meta.dirname, '__histories__'),
  scenarios.map((scenario) => ({ name: scenario.name, mutation: scenario.mutation, workflowId: composeWorkflowId(scenario.composeId), record: (environment) => recordScenario(environment, scenario) })),
);
