import type { Inspector } from '../../inspection/inspector.js';
import { gitArchiveInspector } from './git-archive-inspector.js';
import { gitSmartQueryInspector } from './git-smart-query-inspector.js';
import { gitUploadPackInspector } from './git-upload-pack-inspector.js';

export const gitInspectors: readonly Inspector[] = [gitSmartQueryInspector, gitUploadPackInspector, gitArchiveInspector];
