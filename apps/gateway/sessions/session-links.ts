import type { Settings } from '../../../libs/settings/settings.js';
import { sessionWorkflowId } from '../session-lifecycle/workflow-id.js';
import type { SessionLinks } from './session-schemas.js';

/** Paths relative to this service, so that they hold behind any load balancer; the Temporal UI is another service. */
export function sessionLinks(settings: Pick<Settings, 'temporalUi' | 'temporalNamespace'>, sessionId: string): SessionLinks {
  const self = `/v1/sessions/${sessionId}`;
  return { self, downloads: `${self}/downloads`, report: `${self}/report`, env: `${self}/env`, workflow: workflowLink(settings, sessionId) };
}

function workflowLink(settings: Pick<Settings, 'temporalUi' | 'temporalNamespace'>, sessionId: string): string | null {
  if (settings.temporalUi === undefined) return null;
  const base = settings.temporalUi.replace(/\/+$/, '');
  return `${base}/namespaces/${encodeURIComponent(settings.temporalNamespace)}/workflows/${encodeURIComponent(sessionWorkflowId(sessionId))}`;
}
