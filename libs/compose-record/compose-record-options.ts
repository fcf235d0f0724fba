import type { ComposeCommands, ComposeReads } from './compose-commands.js';

export interface ComposeRecordOptions {
  /** Public URL of the default target directory, without a slash at its end: messages carry it. */
  readonly composeUrl: string;
  /** Of a renewal that says nothing. */
  readonly secondsToLive: number;
  readonly maximumSecondsToLive: number;
  readonly now?: () => Date;
}

/** The service's settings are such options. */
export interface ComposeRecordSettings {
  readonly composeUrl: string;
  readonly composeSecondsToLive: number;
  readonly composeMaximumSecondsToLive: number;
}

/** Closing gives up the connection on which changes are heard, and wakes whoever waits. */
export interface ClosableComposeReads extends ComposeReads {
  close(): Promise<void>;
}

export type { ComposeCommands };
