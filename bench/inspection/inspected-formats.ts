import type { InspectedFormat } from './inspected-format.js';
import { languageFormats } from './language-formats.js';
import { packageFormats } from './package-formats.js';
import { systemFormats } from './system-formats.js';

/** Every format that is measured. */
export const inspectedFormats: readonly InspectedFormat[] = [...languageFormats, ...systemFormats, ...packageFormats];
