import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Address of the embedded PostgreSQL that belongs to a home, password included; undefined when the home never had one. */
export function embeddedDatabaseUrl(home: string): string | undefined {
  try {
    const password = readFileSync(path.join(home, 'postgres-password'), 'utf8').trim();
    const { postgres } = JSON.parse(readFileSync(path.join(home, 'ports.json'), 'utf8')) as { postgres?: unknown };
    return Number.isInteger(postgres) ? `postgresql://millrace:${password}@127.0.0.1:${String(postgres)}/millrace` : undefined;
  } catch {
    return undefined;
  }
}
