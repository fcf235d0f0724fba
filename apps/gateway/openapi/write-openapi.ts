import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { openApiDocument } from './openapi-document.js';

/** `node dist/apps/gateway/openapi/write-openapi.js`, in the repository's root, after an operation or a schema has changed. */
writeFileSync(path.resolve('docs/reference/openapi.json'), `${JSON.stringify(openApiDocument(), null, 2)}\n`);
