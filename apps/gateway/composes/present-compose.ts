import { composeStreamId, treeOf } from '../../../libs/compose/compose.js';
import type { Compose } from '../../../libs/compose/compose.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { workflowLink } from '../http/workflow-link.js';
import type { ComposeLinks, ComposeView } from './compose-schemas.js';

type LinkSettings = Pick<Settings, 'temporalUi' | 'temporalNamespace' | 'composeUrl'>;

export function presentCompose(compose: Compose, settings: LinkSettings): ComposeView {
  return structuredClone({ ...compose, links: composeLinks(compose, settings) }) as ComposeView;
}

/** Paths relative to this service, so that they hold behind any load balancer; files and the Temporal UI may be elsewhere. */
function composeLinks(compose: Compose, settings: LinkSettings): ComposeLinks {
  const self = `/v1/composes/${compose.id}`;
  const open = compose.request.targetDir === 'default' && compose.state !== 'removed';
  return {
    self,
    events: `${self}/events`,
    packages: `${self}/packages`,
    odcs: `/api/1/composes/${compose.id}`,
    files: open ? `${settings.composeUrl}/odcs-${treeOf(compose)}/` : null,
    workflow: workflowLink(settings, composeStreamId(compose.id)),
  };
}
