import type { Settings } from '../../../libs/settings/settings.js';
import { workflowLink } from '../http/workflow-link.js';
import { sessionWorkflowId } from '../session-lifecycle/workflow-id.js';
import type { SessionLinks } from './session-schemas.js';

/** Paths relative to this service, so that they hold behind any load balancer; the Temporal UI is another service. */
export function sessionLinks(settings: Pick<Settings, 'temporalUi' | 'temporalNamespace'>, sessionId: string): SessionLinks {
  const self = `/v1/sessions/${sessionId}`;
  return { self, downloads: `${self}/downloads`, report: `${self}/report`, env: `${self}/env`, workflow: workflowLink(settings, sessionWorkflowId(sessionId)) };
}
