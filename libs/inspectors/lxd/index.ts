import type { Inspector } from '../../inspection/inspector.js';
import { lxdImageInspector } from './lxd-image-inspector.js';
import { lxdStreamsInspector } from './lxd-streams-inspector.js';

/** Images in simple streams. */
export const lxdInspectors: readonly Inspector[] = [lxdStreamsInspector, lxdImageInspector];
