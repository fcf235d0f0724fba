import { describe, expect, it } from '@jest/globals';
import { parseHeySummary } from './run-hey.js';

const whole = `
Summary:
  Total:	2.0000 secs
  Slowest:	0.1500 secs
  Fastest:	0.0010 secs
  Average:	0.0100 secs
  Requests/sec:	500.0000

Latency distribution:
  10%% in 0.0030 secs
  50%% in 0.0090 secs
  99%% in 0.0800 secs

Status code distribution:
  [200]	1000 responses
`;

describe('the summary of hey', () => {
  it('gives rates and latencies', () => {
    expect(parseHeySummary(whole, 1024)).toEqual({ completed: 1000, seconds: 2, requestsPerSecond: 500, megabytesPerSecond: 0.512, p50: 9, p99: 80 });
  });

  it('takes the slowest where there were too few answers for a percentile', () => {
    expect(parseHeySummary(whole.replace(/ {2}99%.*\n/, ''), 1024).p99).toBe(150);
  });

  it.each([
    ['answers of another status', whole.replace('[200]', '[407]')],
    ['some of another status', `${whole}  [503]\t1 responses\n`],
    ['requests that failed', `${whole}\nError distribution:\n  [3]\tread: connection reset by peer\n`],
    ['no answer at all', whole.replace(/ {2}\[200\].*\n/, '')],
  ])('is no measurement with %s', (_name, summary) => {
    expect(() => parseHeySummary(summary, 1024)).toThrow(/not every answer was complete/);
  });
});
