import type { Inspector } from '../../inspection/inspector.js';
import { gemIndexInspector } from './gem-index-inspector.js';
import { gemPackageInspector } from './gem-package-inspector.js';
import { gemSpecInspector } from './gem-spec-inspector.js';

/** Inspectors of gem registries, in the order that reports list them. */
export const rubygemsInspectors: readonly Inspector[] = [gemIndexInspector, gemSpecInspector, gemPackageInspector];
