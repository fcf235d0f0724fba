import type { Inspector } from '../../inspection/inspector.js';
import { bldbinInspector } from './bldbin-inspector.js';
import { storeApiInspector, storeFileInspector } from './store-inspectors.js';

/** Craft stores and built packages. */
export const storeInspectors: readonly Inspector[] = [storeApiInspector, storeFileInspector, bldbinInspector];
