import type { Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { withZipArchive, type ZipArchive } from '../archives/zip-archive.js';
import { lastSegment } from '../declarations/declared-url.js';
import { coreMetadataLimit, parseCoreMetadata, parseHeaderFields, singleField, type CoreMetadata } from './core-metadata.js';
import { parseWheelName, sameRelease } from './distribution-file.js';
import { judgeDistribution } from './judge-distribution.js';
import { checkRecord } from './wheel-record.js';

const wheelFileLimit = 64 * 1024;

/** Wheels, see docs/reference/inspectors/python.md. */
export const pipWheelInspector: Inspector = {
  id: 'pip.wheel',
  inspectRequest: (request) =>
    request.method === 'GET' && request.path.endsWith('.whl') ? { opinion: 'Pending', reason: 'valid URL for a Python wheel' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const named = parseWheelName(lastSegment(request.path) ?? '');
    if (named === undefined) throw refusal('the file name is not that of a wheel (name-version-python-abi-platform.whl)');
    const core = await withZipArchive(body, { response, context }, checkWheel);
    if (!sameRelease(core, named)) throw refusal(`the wheel holds ${core.name} ${core.version}, but its file name says ${named.name} ${named.version}`);
    const { metadata, ...opinion } = await judgeDistribution({ request, response, body, context, release: core, noun: 'wheel', digestOf: ({ sha256 }) => sha256 });
    return { ...opinion, metadata: { ...core.metadata, ...metadata, type: 'application/x.python.wheel', architecture: named.platform } };
  },
};

async function checkWheel(archive: ZipArchive): Promise<CoreMetadata> {
  const distInfo = findDistInfo(archive);
  const format = singleField(parseHeaderFields(await archive.read(`${distInfo}/WHEEL`, wheelFileLimit)), 'wheel-version');
  if (format === undefined || !/^1\.\d{1,3}$/.test(format)) throw refusal('the wheel has no known Wheel-Version');
  const core = parseCoreMetadata(await archive.read(`${distInfo}/METADATA`, coreMetadataLimit));
  const [name = '', version = ''] = distInfo.slice(0, -'.dist-info'.length).split('-');
  if (!sameRelease(core, { name, version })) throw refusal('the dist-info directory of the wheel names another project or version than its METADATA');
  await checkRecord(archive, distInfo);
  return core;
}

/** The one top directory that ends in `.dist-info`. */
function findDistInfo(archive: ZipArchive): string {
  const found = new Set<string>();
  for (const path of archive.files.keys()) {
    const top = path.slice(0, Math.max(0, path.indexOf('/')));
    if (top.endsWith('.dist-info')) found.add(top);
  }
  const [distInfo, second] = found;
  if (distInfo === undefined || second !== undefined) throw refusal(`the wheel has ${found.size} dist-info directories`);
  return distInfo;
}
