import type { Settings } from '../settings/settings.js';

/** What the engine needs of the settings; plain data, because its threads need it too. */
export type EngineSettings = Pick<
  Settings,
  'home' | 'blobs' | 'composes' | 'composeUrl' | 'composeBucket' | 'composeTargetDirs' | 'composeSourcePaths' | 'composeAllowDestinations' | 'forbiddenPorts' | 'upstreamProxy' | 'upstreamNoProxy' | 'upstreamCa' | 'koji' | 'moduleBuildService' | 'pulpFile' | 'pungiFile'
>;
