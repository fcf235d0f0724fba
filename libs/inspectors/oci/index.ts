import type { Inspector } from '../../inspection/inspector.js';
import { ociBlobInspector } from './oci-blob-inspector.js';
import { ociListInspector } from './oci-list-inspector.js';
import { ociManifestInspector } from './oci-manifest-inspector.js';
import { ociPushInspector } from './oci-push-inspector.js';
import { ociTokenInspector } from './oci-token-inspector.js';

/** OCI distribution. */
export const ociInspectors: readonly Inspector[] = [ociTokenInspector, ociListInspector, ociManifestInspector, ociBlobInspector, ociPushInspector];
