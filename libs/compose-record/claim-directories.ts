import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { MillraceError } from '../errors/millrace-error.js';

const mark = '.record';

/**
 * Marks directories of composes as this record's; one that nobody has marked becomes its own. Composes are numbered by their record, and files that it does not know are swept
 * away: with the files of another record both would do harm. Errors: `invalid-setting` for a directory of another record, `database-unavailable`.
 */
export async function claimDirectories(database: Database, directories: readonly string[]): Promise<void> {
  const [row] = await query<{ id: string }>(database, 'select id from record_identity', []);
  if (row === undefined) throw new MillraceError('record-corrupt', 'the record has lost its identity');
  for (const directory of directories) {
    const owner = await ownerOf(directory, row.id);
    if (owner !== row.id) {
      throw new MillraceError('invalid-setting', `${directory} has the composes of another record (${owner.slice(0, 64)}; this one is ${row.id})`, {
        suggestion: `Give MILLRACE_COMPOSES another directory. Where this record is meant to take over, remove ${path.join(directory, mark)}: composes that it does not know are then deleted.`,
      });
    }
  }
}

async function ownerOf(directory: string, id: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const file = path.join(directory, mark);
  // A link, because that appears with its content: another process may read it at once.
  const written = `${file}-${randomUUID()}`;
  await writeFile(written, `${id}\n`, { flag: 'wx' });
  try {
    await link(written, file);
    return id;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return (await readFile(file, 'utf8')).trim();
  } finally {
    await unlink(written);
  }
}
