import type { Settings } from '../../../libs/settings/settings.js';

/** A workflow in the Temporal UI; null when its address is not known. */
export function workflowLink(settings: Pick<Settings, 'temporalUi' | 'temporalNamespace'>, workflowId: string): string | null {
  if (settings.temporalUi === undefined) return null;
  const base = settings.temporalUi.replace(/\/+$/, '');
  return `${base}/namespaces/${encodeURIComponent(settings.temporalNamespace)}/workflows/${encodeURIComponent(workflowId)}`;
}
