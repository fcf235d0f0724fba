import type { Inspector } from '../inspection/inspector.js';
import { cargoCrateInspector } from './cargo/cargo-crate-inspector.js';
import { cargoIndexInspector } from './cargo/cargo-index-inspector.js';
import { defaultInspector } from './default/default-inspector.js';
import { goModInspector } from './go/go-mod-inspector.js';
import { goSumdbInspector } from './go/go-sumdb-inspector.js';
import { goVersionInspector } from './go/go-version-inspector.js';
import { goZipInspector } from './go/go-zip-inspector.js';
import { npmAuditInspector } from './npm/npm-audit-inspector.js';
import { npmPackumentInspector } from './npm/npm-packument-inspector.js';
import { npmTarballInspector } from './npm/npm-tarball-inspector.js';
import { pipMetadataInspector } from './python/pip-metadata-inspector.js';
import { pipSdistInspector } from './python/pip-sdist-inspector.js';
import { pipSimpleIndexInspector } from './python/pip-simple-index-inspector.js';
import { pipWheelInspector } from './python/pip-wheel-inspector.js';

/** Every inspector, in the order that reports list them; metadata of a later one goes over an earlier one's. `default` is last. */
export function createInspectors(): readonly Inspector[] {
  return Object.freeze([
    npmPackumentInspector,
    npmTarballInspector,
    npmAuditInspector,
    pipSimpleIndexInspector,
    pipMetadataInspector,
    pipWheelInspector,
    pipSdistInspector,
    cargoIndexInspector,
    cargoCrateInspector,
    goVersionInspector,
    goModInspector,
    goZipInspector,
    goSumdbInspector,
    defaultInspector,
  ]);
}
