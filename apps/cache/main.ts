import { errorMessage } from '../../libs/errors/error-message.js';
import { errorTable } from '../../libs/errors/error-table.js';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import { runCacheProcess } from './cache-process.js';

try {
  await runCacheProcess(process.env);
} catch (error) {
  const suggestion = isMillraceError(error) && error.suggestion !== undefined ? ` ${error.suggestion}` : '';
  process.stderr.write(`ERROR: ${errorMessage(error)}${suggestion}\n`);
  process.exit(errorTable[isMillraceError(error) ? error.code : 'internal'].exit);
}
