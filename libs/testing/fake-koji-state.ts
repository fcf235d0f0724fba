import type { RpcStruct } from '../koji/rpc-value.js';
import type { PackageIdentity } from '../rpm/package/package-details.js';
import type { FakeTask } from './fake-koji-tasks.js';

/** What the fake hub remembers. Ids and events are as in Koji: numbers that grow. */
export interface FakeKojiState {
  event: number;
  /** In `parents`, the first is searched first. */
  readonly tags: { readonly id: number; readonly name: string; readonly parents: readonly number[]; readonly since: number }[];
  readonly builds: FakeBuild[];
  readonly tasks: FakeTask[];
  readonly taggings: { readonly tag: number; readonly build: number; readonly since: number; until: number | null }[];
}

export interface FakeBuild {
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly release: string;
  readonly epoch: number;
  readonly nvr: string;
  /** 1 complete, 2 deleted. */
  state: number;
  /** `DEFAULT` unless it was moved. */
  volume: string;
  readonly rpms: readonly FakeRpm[];
  /** Of builds that stand for one of a module. */
  readonly module?: FakeModule;
}

export interface FakeModule {
  /** As `extra.typeinfo.module` has it. */
  readonly typeInfo: RpcStruct;
  readonly archives: readonly { readonly filename: string; readonly size: number; readonly md5: string }[];
}

export interface FakeRpm extends PackageIdentity {
  readonly id: number;
  readonly size: number;
  readonly payloadhash: string;
  readonly buildtime: number;
  readonly sigkeys: string[];
}
