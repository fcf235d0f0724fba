import type { Inspector } from '../../inspection/inspector.js';
import { snapAssertionInspector } from './snap-assertion-inspector.js';
import { snapPackageInspector } from './snap-package-inspector.js';
import { snapStoreInspectors } from './snap-store-inspector.js';

/** Snaps and their store. */
export const snapInspectors: readonly Inspector[] = [...snapStoreInspectors, snapAssertionInspector, snapPackageInspector];
