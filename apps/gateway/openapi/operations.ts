import { accessOperations } from './access-operations.js';
import { caOperations } from './ca-operations.js';
import { cacheOperations } from './cache-operations.js';
import { composeOperations } from './compose-operations.js';
import { composeNameOperations } from './compose-name-operations.js';
import { messageOperations } from './message-operations.js';
import { odcsOperations } from './odcs-operations.js';
import type { Operation } from './operation.js';
import { repositoryOperations } from './repository-operations.js';
import { ruleOperations } from './rule-operations.js';
import { serviceOperations } from './service-operations.js';
import { sessionControlOperations } from './session-control-operations.js';
import { sessionOperations } from './session-operations.js';

export const operations: readonly Operation[] = [
  ...sessionControlOperations,
  ...sessionOperations,
  ...odcsOperations,
  ...composeOperations,
  ...composeNameOperations,
  ...ruleOperations, ...messageOperations,
  ...repositoryOperations,
  ...cacheOperations,
  ...accessOperations,
  ...caOperations,
  ...serviceOperations,
];
