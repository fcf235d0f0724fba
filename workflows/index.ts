/** Every workflow of the worker; what is exported here is in the bundle under the name it is exported by. */
export { artifactCache } from './artifact-cache/artifact-cache-workflow.js';
export { compose } from './compose/compose-workflow.js';
export { composeRule } from './compose-rule/compose-rule-workflow.js';
export { ostreeExport } from './ostree-export/ostree-export-workflow.js';
export { repository } from './repository/repository-workflow.js';
export { repositoryUpkeep } from './repository/repository-upkeep.js';
export { session } from './session/session-workflow.js';
