import type { Inspector } from '../../inspection/inspector.js';
import { condaPackageInspector } from './conda-package-inspector.js';
import { condaRepodataInspector } from './conda-repodata-inspector.js';
import { condaShardsInspector } from './conda-shards-inspector.js';

/** Inspectors of conda channels, in the order that reports list them. */
export const condaInspectors: readonly Inspector[] = [condaRepodataInspector, condaShardsInspector, condaPackageInspector];
