import type { Inspector } from '../../inspection/inspector.js';
import { aptDiffInspector } from './apt-diff-inspector.js';
import { aptCommandsInspector, aptIndexInspector, aptPackagesInspector, aptTranslationInspector } from './apt-index-inspectors.js';
import { aptReleaseInspector } from './apt-release-inspector.js';
import { aptSourceInspector } from './apt-source-inspector.js';
import { debInspector } from './deb-inspector.js';

/** Everything that apt and its kin fetch. */
export const aptInspectors: readonly Inspector[] = [
  aptReleaseInspector,
  aptPackagesInspector,
  aptTranslationInspector,
  aptCommandsInspector,
  aptIndexInspector,
  aptDiffInspector,
  debInspector,
  aptSourceInspector,
];
