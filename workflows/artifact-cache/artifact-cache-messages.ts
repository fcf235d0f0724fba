import { defineQuery, defineUpdate } from '@temporalio/workflow';

/** Published contract of the workflow `artifact-cache:<instance>`: eviction by quota and age, garbage, verification, alarms; docs/reference/artifact-cache-workflow.md. */
export const artifactCacheTaskQueue = 'artifacts';
export const artifactCacheWorkflowType = 'artifactCache';

export function artifactCacheWorkflowId(instance: string): string {
  return `artifact-cache:${instance}`;
}

export interface ArtifactCacheInput {
  readonly instance: string;
}

export interface ArtifactCacheStatus {
  readonly instance: string;
  /** What it does now. */
  readonly phase: 'waiting' | 'evicting' | 'collecting' | 'verifying';
  readonly paused: boolean;
  readonly usage: { readonly bytes: number; readonly blobs: number; readonly entries: number; readonly kept: number; readonly at: string } | undefined;
  readonly alarm: boolean;
  readonly lastEviction: EvictionReport | undefined;
  readonly lastVerification: { readonly checked: number; readonly lost: number; readonly at: string } | undefined;
  /** Of the last round; undefined: it went well. */
  readonly problem: string | undefined;
}

export interface EvictionReport {
  readonly entries: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly dryRun: boolean;
  readonly by: string;
  readonly at: string;
}

export interface EvictRequest {
  /** Down to so many bytes; undefined: the instance's lower quota. */
  readonly toBytes?: number;
  readonly dryRun: boolean;
  readonly by: string;
}

export const artifactCacheStatusQuery = defineQuery<ArtifactCacheStatus>('artifactCacheStatus');
export const evictUpdate = defineUpdate<EvictionReport, [EvictRequest]>('evict');
export const verifyUpdate = defineUpdate<{ readonly checked: number; readonly lost: number }, [{ readonly by: string }]>('verify');
export const pauseEvictionUpdate = defineUpdate<void, [{ readonly by: string }]>('pauseEviction');
export const resumeEvictionUpdate = defineUpdate<void, [{ readonly by: string }]>('resumeEviction');
