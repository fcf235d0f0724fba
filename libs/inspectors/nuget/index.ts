import type { Inspector } from '../../inspection/inspector.js';
import { nugetIndexInspector } from './nuget-index-inspector.js';
import { nugetPackageInspector } from './nuget-package-inspector.js';

export const nugetInspectors: readonly Inspector[] = [nugetIndexInspector, nugetPackageInspector];
