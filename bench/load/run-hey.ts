import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { Scenario } from '../scenarios.js';

export interface LoadRequest {
  readonly hey: string;
  readonly scenario: Scenario;
  /** `https://host:port` */
  readonly origin: string;
  /** With the credentials in it. */
  readonly proxyUrl: string;
  /** Undefined: one request. */
  readonly seconds: number | undefined;
  readonly signal: AbortSignal;
}

export interface LoadResult {
  /** Answers with status 200, complete. */
  readonly completed: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly megabytesPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Longest that one measurement may take beyond its own length: what was asked for at the end is still waited for. */
const slackSeconds = 60;

/** Sends the scenario's load through the proxy. Rejects when one answer is not 200, or when one fails: those numbers would mean nothing. */
export async function runHey(request: LoadRequest): Promise<LoadResult> {
  const { scenario, seconds } = request;
  const amount = seconds === undefined ? ['-n', '1'] : ['-z', `${seconds}s`];
  const args = [...amount, '-c', String(scenario.clients), '-t', '0', '-x', request.proxyUrl, '-disable-compression', ...(scenario.newConnections ? ['-disable-keepalive'] : []), `${request.origin}${scenario.path}`];
  const timeout = ((seconds ?? 120) + slackSeconds) * 1000;
  const { stdout } = await promisify(execFile)(request.hey, args, { timeout, signal: request.signal, killSignal: 'SIGKILL', env: {} });
  return parseHeySummary(stdout, scenario.bodyBytes);
}

/** Reads the summary that hey prints. */
export function parseHeySummary(summary: string, bodyBytes: number): LoadResult {
  const number = (pattern: RegExp): number => {
    const text = pattern.exec(summary)?.[1];
    if (text === undefined) throw new MillraceError('internal', `hey's summary cannot be read:\n${summary.slice(0, 2000)}`);
    return Number(text);
  };
  const statuses = [...summary.matchAll(/^\s*\[(\d+)\]\s+(\d+) responses$/gm)].map((match) => ({ status: match[1], count: Number(match[2]) }));
  const errors = summary.indexOf('Error distribution:');
  if (errors >= 0 || statuses.length !== 1 || statuses[0]?.status !== '200') {
    const found = statuses.map(({ status, count }) => `${count} times ${status}`).join(', ');
    throw new MillraceError('internal', `not every answer was complete: ${found || 'no answers'}${errors >= 0 ? `; ${summary.slice(errors, errors + 1000).trim()}` : ''}`);
  }
  const completed = statuses[0].count;
  const seconds = number(/^\s*Total:\s+([\d.]+) secs/m);
  const slowest = number(/^\s*Slowest:\s+([\d.]+) secs/m);
  const percentile = (percent: number): number => {
    const text = new RegExp(`^\\s*${percent}%+ in ([\\d.]+) secs`, 'm').exec(summary)?.[1];
    return 1000 * (text === undefined ? slowest : Number(text)); // too few answers for this percentile: the slowest is one
  };
  return { completed, seconds, requestsPerSecond: completed / seconds, megabytesPerSecond: (completed * bodyBytes) / seconds / 1e6, p50: percentile(50), p99: percentile(99) };
}
