import type { Inspector } from '../../inspection/inspector.js';
import { gradleDistributionInspector } from './gradle-distribution-inspector.js';
import { gradleModuleInspector } from './gradle-module-inspector.js';
import { mavenArtifactInspector } from './maven-artifact-inspector.js';
import { mavenChecksumInspector } from './maven-checksum-inspector.js';
import { mavenMetadataInspector } from './maven-metadata-inspector.js';
import { mavenPomInspector } from './maven-pom-inspector.js';
import { mavenSignatureInspector } from './maven-signature-inspector.js';

export const mavenInspectors: readonly Inspector[] = [
  mavenMetadataInspector,
  mavenPomInspector,
  gradleModuleInspector,
  mavenArtifactInspector,
  mavenChecksumInspector,
  mavenSignatureInspector,
  gradleDistributionInspector,
];
