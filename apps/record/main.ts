import { readSettings } from '../../libs/settings/settings.js';
import { runRecordCommand } from './run-record-command.js';

process.exitCode = await runRecordCommand(process.argv.slice(2), {
  settings: readSettings(process.env),
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
