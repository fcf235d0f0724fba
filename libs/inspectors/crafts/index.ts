import type { Inspector } from '../../inspection/inspector.js';
import { craftInspectors } from './craft-inspectors.js';
import { goImportInspector } from './go-import-inspector.js';
import { goModuleGitInspector } from './go-module-git-inspector.js';

/** After those of git, whose metadata they make more exact. */
export const projectInspectors: readonly Inspector[] = [...craftInspectors, goModuleGitInspector, goImportInspector];
