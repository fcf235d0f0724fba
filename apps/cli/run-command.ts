import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { closeBuildSession, openBuildSession } from './build-session.js';
import type { BuildSession, SessionRecord } from './build-session.js';
import type { ControlClient } from './control-client.js';
import { reportFailure } from './report-failure.js';
import { runChild } from './run-child.js';
import type { ChildOutcome } from './run-child.js';
import { endSession } from './session-api.js';
import type { NewSession } from './session-api.js';
import { SignalRelay } from './signal-relay.js';
import { summaryText } from './summary-table.js';
import type { Terminal } from './terminal.js';

export interface RunOptions {
  readonly session: NewSession;
  readonly command: readonly [string, ...string[]];
  /** File that the report is written to. */
  readonly report?: string;
  /** Leave the session as it is after its revocation. */
  readonly keep: boolean;
  readonly json: boolean;
}

/** Runs one command inside a session of its own; answers the exit code. The session is revoked and ended whatever happens. */
export async function runInSession(client: ControlClient, options: RunOptions, terminal: Terminal): Promise<number> {
  using relay = new SignalRelay(process, { interactive: terminal.interactive });
  const session = await openBuildSession(client, options.session, terminal.environment);
  const outcome = await runUnlessInterrupted(session, options, relay);
  if (outcome.failure !== undefined) terminal.err(`millrace: ${outcome.failure}\n`);
  try {
    const record = await closeBuildSession(client, session);
    if (options.report !== undefined) await writeReport(options.report, record.report);
    if (options.json) terminal.out(`${JSON.stringify(runResult(outcome, record, options))}\n`);
    else terminal.err(`\n${summaryText(record, terminal)}${whatRemains(session.created.id, options)}`);
    if (!options.keep) await endSession(client, session.created.id);
    return outcome.exitCode;
  } catch (error) {
    // What was downloaded may still be had, so nothing is deleted: the session stays until it expires.
    const exit = reportFailure(error, terminal, options.json);
    if (!options.json) terminal.err(`  Session ${session.created.id} was not ended. Try again: millrace session revoke, report and end.\n`);
    return outcome.exitCode === 0 ? exit : outcome.exitCode;
  }
}

/** A signal that came while the session was being opened means: do not start the build. */
async function runUnlessInterrupted(session: BuildSession, options: RunOptions, relay: SignalRelay): Promise<ChildOutcome> {
  if (relay.received !== undefined)
    return { exitCode: 128 + constants.signals[relay.received], signal: relay.received, failure: `not started: ${relay.received} came first` };
  return runChild({ command: options.command, environment: session.environment }, relay);
}

async function writeReport(file: string, report: string): Promise<void> {
  try {
    await writeFile(file, report.endsWith('\n') ? report : `${report}\n`);
  } catch (cause) {
    throw new MillraceError('invalid-request', `cannot write the report to ${file}`, { cause });
  }
}

/** The stable shape of `millrace run --json`; see docs/reference/cli.md. */
function runResult(outcome: ChildOutcome, record: SessionRecord, options: RunOptions): object {
  const { sessionId, policy, artefacts } = record.summary;
  return {
    session: sessionId,
    policy,
    exitCode: outcome.exitCode,
    signal: outcome.signal,
    report: options.report ?? null,
    artefacts,
    violations: artefacts.filter((artefact) => artefact.verdict === 'Rejected').length,
    refused: record.refused,
    failed: record.failed,
  };
}

function whatRemains(id: string, options: RunOptions): string {
  const lines = options.report === undefined ? [] : [`Report: ${options.report}`];
  if (options.keep) lines.push(`Session ${id} is revoked and kept until it expires: millrace session report ${id}`);
  else if (options.session.retain === true) lines.push(`The record of session ${id} is retained: millrace session report ${id}`);
  return lines.map((line) => `${line}\n`).join('');
}
