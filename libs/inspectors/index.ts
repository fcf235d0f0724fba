import type { Inspector } from '../inspection/inspector.js';
import { aptInspectors } from './apt/index.js';
import { cargoCrateInspector } from './cargo/cargo-crate-inspector.js';
import { cargoIndexInspector } from './cargo/cargo-index-inspector.js';
import { chiselInspectors } from './chisel/index.js';
import { composerInspectors } from './composer/index.js';
import { projectInspectors } from './crafts/index.js';
import { condaInspectors } from './conda/index.js';
import { defaultInspector } from './default/default-inspector.js';
import { gitInspectors } from './git/index.js';
import { goModInspector } from './go/go-mod-inspector.js';
import { goSumdbInspector } from './go/go-sumdb-inspector.js';
import { goVersionInspector } from './go/go-version-inspector.js';
import { goZipInspector } from './go/go-zip-inspector.js';
import { lxdInspectors } from './lxd/index.js';
import { mavenInspectors } from './maven/index.js';
import { hexInspectors } from './hex/index.js';
import { npmAuditInspector } from './npm/npm-audit-inspector.js';
import { npmPackumentInspector } from './npm/npm-packument-inspector.js';
import { npmRegistryInspector } from './npm/npm-registry-inspector.js';
import { npmTarballInspector } from './npm/npm-tarball-inspector.js';
import { nugetInspectors } from './nuget/index.js';
import { pipLegacyJsonInspector } from './python/pip-legacy-json-inspector.js';
import { ociInspectors } from './oci/index.js';
import { pipMetadataInspector } from './python/pip-metadata-inspector.js';
import { pipProvenanceInspector } from './python/pip-provenance-inspector.js';
import { pipSdistInspector } from './python/pip-sdist-inspector.js';
import { pipSimpleIndexInspector } from './python/pip-simple-index-inspector.js';
import { pipWheelInspector } from './python/pip-wheel-inspector.js';
import { rpmInspectors } from './rpm/index.js';
import { rubygemsInspectors } from './rubygems/index.js';
import { snapInspectors } from './snap/index.js';
import { storeInspectors } from './store/index.js';

/** Every inspector, in the order that reports list them; metadata of a later one goes over an earlier one's. `default` is last. */
export function createInspectors(): readonly Inspector[] {
  return Object.freeze([
    // First: a craft, a chisel release or a Go module in git says more of an archive or a fetch.
    ...gitInspectors,
    npmPackumentInspector,
    npmTarballInspector,
    npmAuditInspector,
    npmRegistryInspector,
    pipSimpleIndexInspector,
    pipLegacyJsonInspector,
    pipMetadataInspector,
    pipWheelInspector,
    pipSdistInspector,
    pipProvenanceInspector,
    cargoIndexInspector,
    cargoCrateInspector,
    goVersionInspector,
    goModInspector,
    goZipInspector,
    goSumdbInspector,
    ...chiselInspectors,
    ...lxdInspectors,
    ...rpmInspectors,
    ...mavenInspectors,
    ...nugetInspectors,
    ...composerInspectors,
    ...condaInspectors,
    ...hexInspectors,
    ...rubygemsInspectors,
    ...aptInspectors,
    ...projectInspectors,
    ...ociInspectors,
    ...snapInspectors,
    ...storeInspectors,
    defaultInspector,
  ]);
}

/** The parts of the inspectors' ids before the dot, each once: what a policy document may name. */
export function inspectedEcosystems(): readonly string[] {
  return [...new Set(createInspectors().map(({ id }) => id.split('.', 1)[0] as string))].filter((ecosystem) => ecosystem !== defaultInspector.id);
}
