import type { Inspector } from '../../inspection/inspector.js';
import { matchesConfiguredUrls } from '../git/git-configuration.js';
import { parseGitRequest } from '../git/git-path.js';
import { readCraftFile } from './craft-file.js';
import { readProjectFetch, type ProjectFetch } from './project-fetch.js';

interface Craft {
  /** As fetch-service names the inspector; the artefact type is made of it. */
  readonly id: string;
  /** Where the project file may be, the first that is there counts. */
  readonly files: readonly string[];
}

const crafts: readonly Craft[] = [
  { id: 'snapcraft', files: ['snap/snapcraft.yaml', 'build-aux/snap/snapcraft.yaml', 'snapcraft.yaml', '.snapcraft.yaml'] },
  { id: 'rockcraft', files: ['rockcraft.yaml'] },
  { id: 'charmcraft', files: ['charmcraft.yaml'] },
  { id: 'sourcecraft', files: ['sourcecraft.yaml'] },
  { id: 'bincraft', files: ['bincraft.yaml'] },
];

/** Projects of the crafts in git repositories, see docs/reference/inspectors/crafts.md. Each has a say only when its project file is there. */
export const craftInspectors: readonly Inspector[] = crafts.map(createCraftInspector);

function createCraftInspector({ id, files }: Craft): Inspector {
  return {
    id,
    inspectRequest: (request, { configuration }) => {
      if (parseGitRequest(request)?.kind !== 'upload-pack' || matchesConfiguredUrls(configuration, 'git', request.url) === false) return undefined;
      if (matchesConfiguredUrls(configuration, 'crafts', request.url) === false) return undefined;
      return { opinion: 'Pending', reason: `valid URL for a ${id} project` };
    },
    inspectResponse: async (request, response, body, context) => {
      const fetched = await readProjectFetch(request, { response, body, context });
      const file = files.find((path) => fetched?.files.has(path) === true);
      if (fetched === undefined || file === undefined) return undefined;
      const metadata = projectMetadata(file, fetched);
      // Where fetch-service's configuration is given, its rule holds.
      const isConfigured = matchesConfiguredUrls(context.configuration, 'crafts', request.url) === true;
      if (isConfigured && fetched.depth !== 1) return { opinion: 'Unknown', reason: `a ${id} project is only approved from a fetch with depth 1`, metadata };
      if (isConfigured && fetched.wants !== 1) return { opinion: 'Unknown', reason: `a ${id} project is only approved from a fetch of a single ref`, metadata };
      return { opinion: 'Approved', reason: `valid ${id} project`, annotations: { file, commit: fetched.commit.id, refs: fetched.commit.refs.slice(0, 16) }, metadata: { ...metadata, type: `application/x.canonical.${id}` } };
    },
  };
}

/** Charms of old have their name in metadata.yaml. The version is the commit's when the file leaves it open (`adopt-info`). */
function projectMetadata(file: string, { files, commit }: ProjectFetch): ReturnType<typeof readCraftFile> {
  const older = file === 'charmcraft.yaml' ? files.get('metadata.yaml') : undefined;
  const metadata = older === undefined ? readCraftFile(file, files.get(file) as Buffer) : readCraftFile('metadata.yaml', older);
  return { ...metadata, version: metadata.version || commit.id };
}
