import type { Inspector } from '../../inspection/inspector.js';
import { chiselReleaseInspector } from './chisel-release-inspector.js';

/** Chisel. */
export const chiselInspectors: readonly Inspector[] = [chiselReleaseInspector];
