import { existsSync, readFileSync } from 'node:fs';

/** Version of package.json, from the sources as from `dist/`, which is one folder deeper. */
export const gatewayVersion: string = readVersion();

function readVersion(): string {
  for (const place of ['../../package.json', '../../../package.json']) {
    const file = new URL(place, import.meta.url);
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  return 'unknown';
}
