import type { Inspector } from '../../inspection/inspector.js';
import { hexRegistryInspector } from './hex-registry-inspector.js';
import { hexTarballInspector } from './hex-tarball-inspector.js';

/** Inspectors of Hex repositories, in the order that reports list them. */
export const hexInspectors: readonly Inspector[] = [hexRegistryInspector, hexTarballInspector];
