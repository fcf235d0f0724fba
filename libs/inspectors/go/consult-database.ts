import picomatch from 'picomatch';
import { isRecord, own } from '../../inspection/bounded-json.js';
import type { InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readTile } from './known-tiles.js';
import { escapeModule } from './module-path.js';
import type { TreeHead } from './tree-head.js';
import type { ReadTile } from './tree-proof.js';
import { verifierKeys } from './verifier-keys.js';

/** A release whose record is looked for. */
interface ConsultedRelease {
  readonly module: string;
  readonly version: string;
  /** URL of the module proxy that the release comes from, without `/` at its end. */
  readonly proxy: string;
}

const tileHashes = 256;

/**
 * Has the proxy ask the configured checksum databases for a release, through the module proxy that it comes from and else directly. What they
 * say is in the session's knowledge then. Answers why nobody was asked; undefined when some database was.
 */
export async function consultDatabases({ module, version, proxy }: ConsultedRelease, context: InspectionContext): Promise<string | undefined> {
  const { consult } = context;
  if (consult === undefined) return 'go asks only for what go.sum does not have, so fetch it without its lines in go.sum and with GOSUMDB on';
  const names = new Set(verifierKeys(context.configuration).map(({ name }) => name));
  if (names.size === 0) return 'configure the database\'s verifier key ("go.sumdb" of the inspectors configuration), so that it can be asked here';
  if (isPrivate(module, context.configuration)) return 'the configuration ("go.nosumdb") keeps it from the database; pin its digest in the policy';
  const lookup = `lookup/${escapeModule(module)}@${escapeModule(version)}`;
  for (const name of names) {
    // A proxy that does not serve the database answers 404 or 410; `go` asks the database itself then, too.
    if ((await consult(`${proxy}/sumdb/${name}/${lookup}`)) !== 'approved') await consult(`https://${name}/${lookup}`);
  }
  return undefined;
}

/** Reads tiles that were seen, and has the others fetched: `go` itself keeps tiles from one build to the next. */
export function consultedTiles(database: string, head: TreeHead, { proxy, context }: { proxy: string; context: InspectionContext }): ReadTile {
  return async (level, index) => {
    const width = Math.min(tileHashes, Math.floor(head.size / tileHashes ** level) - index * tileHashes);
    const known = await readTile(context.knowledge, database, { level, index });
    if (context.consult === undefined || width < 1 || (known !== undefined && known.length >= width * 32)) return known;
    const whole = `tile/8/${level}/${tileNumber(index)}`;
    // A database need not keep the part of a tile that is whole by now.
    const forms = width < tileHashes ? [`${whole}.p/${width}`, whole] : [whole];
    for (const url of forms.flatMap((path) => [`${proxy}/sumdb/${database}/${path}`, `https://${database}/${path}`])) {
      if ((await context.consult(url)) === 'approved') break;
    }
    return readTile(context.knowledge, database, { level, index });
  };
}

/** `005`, `x001/x234/567` */
function tileNumber(index: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/\d{3}/g) ?? [];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

/** `{"go": {"nosumdb": "corp.example,*.internal.example/team"}}`, as GONOSUMDB: a module's first elements match one of the patterns. */
function isPrivate(module: string, configuration: InspectionContext['configuration']): boolean {
  const section = own(configuration, 'go');
  const patterns = isRecord(section) ? own(section, 'nosumdb') : undefined;
  if (patterns === undefined) return false;
  if (typeof patterns !== 'string' || patterns.length > 16_384) throw refusal('"go.nosumdb" of the inspectors configuration is not a list of patterns, as in GONOSUMDB');
  const elements = module.split('/');
  return patterns.split(',').some((item) => {
    const pattern = item.trim();
    const first = elements.slice(0, pattern.split('/').length).join('/');
    return pattern !== '' && picomatch.isMatch(first, pattern, { nobrace: true, noextglob: true, nonegate: true, noglobstar: true });
  });
}
