import type { Inspector } from '../../inspection/inspector.js';
import { rpmKeyInspector } from './rpm-key-inspector.js';
import { rpmMetadataInspector } from './rpm-metadata-inspector.js';
import { rpmMetalinkInspector } from './rpm-metalink-inspector.js';
import { rpmPackageInspector } from './rpm-package-inspector.js';
import { rpmRepomdInspector } from './rpm-repomd-inspector.js';

/** RPM repositories and packages, see docs/reference/inspectors/rpm.md. */
export const rpmInspectors: readonly Inspector[] = [rpmMetalinkInspector, rpmRepomdInspector, rpmKeyInspector, rpmMetadataInspector, rpmPackageInspector];
