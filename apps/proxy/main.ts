import { errorMessage } from '../../libs/errors/error-message.js';
import { errorTable } from '../../libs/errors/error-table.js';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import { runProxyProcess } from './proxy-process.js';

try {
  await runProxyProcess(process.env);
} catch (error) {
  const suggestion = isMillraceError(error) && error.suggestion !== undefined ? ` ${error.suggestion}` : '';
  process.stderr.write(`ERROR: ${errorMessage(error)}${suggestion}\n`);
  process.exit(errorTable[isMillraceError(error) ? error.code : 'internal'].exit);
}
