import type { Inspector } from '../../inspection/inspector.js';
import { composerApiInspector } from './composer-api-inspector.js';
import { composerDistInspector } from './composer-dist-inspector.js';
import { composerRepositoryInspector } from './composer-repository-inspector.js';

/** Inspectors of Composer repositories, in the order that reports list them. */
export const composerInspectors: readonly Inspector[] = [composerRepositoryInspector, composerDistInspector, composerApiInspector];
