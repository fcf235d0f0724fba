import { sessionStreamId } from '../../../libs/session/session-events.js';

/** Workflow id = stream id; taken from the domain, because the workflow's own module brings the workflow runtime with it. */
export const sessionWorkflowId = sessionStreamId;
