import { describe, expect, it } from '@jest/globals';
import { sampleReport } from './__fixtures__/control-service.js';
import { RecordedTerminal } from './__fixtures__/recorded-terminal.js';
import { summariseReport } from './report-summary.js';
import { summaryText } from './summary-table.js';
import { paint, readableSize, shorten } from './terminal.js';

const summarise = (...artefacts: Parameters<typeof sampleReport>[1]) => summariseReport(JSON.stringify(sampleReport('strict', artefacts)));

describe('the summary of a report', () => {
  it.each([
    ['https://host.test:443/a/thing-1.0.0.tgz?x=1', 'thing-1.0.0.tgz'],
    ['https://host.test:443/api/itoa/1.0.15/download', '1.0.15/download'],
    ['https://host.test:443/simple/six/', 'simple/six'],
    ['https://host.test:443/', 'host.test'],
    ['no address', 'no address'],
  ])('names an artefact without a name by its address: %s', (url, name) => {
    expect(summarise({ name: '', url }).artefacts[0]?.name).toBe(name);
  });

  it('keeps the order of the downloads', () => {
    const { artefacts } = summarise({ name: 'b', start: '2026-03-20T10:00:02Z' }, { name: 'a', start: '2026-03-20T10:00:01Z' });
    expect(artefacts.map((artefact) => artefact.name)).toEqual(['a', 'b']);
  });

  it('says why: what was rejected, else who did not know it', () => {
    expect(summarise({ name: 'a', result: 'Rejected' }).artefacts[0]?.reasons).toEqual(['npm: its digest is not the declared one']);
    const report = sampleReport('strict', [{ name: 'a', result: 'Rejected' }]) as { artifacts: { 'response-inspection': object }[] };
    Object.assign(report.artifacts[0] ?? {}, { 'response-inspection': { default: { opinion: 'Unknown', reason: 'the artifact format is unknown' } } });
    expect(summariseReport(JSON.stringify(report)).artefacts[0]?.reasons).toEqual(['default: the artifact format is unknown']);
  });

  it.each(['', '[]', '{"artifacts":{}}', 'null'])('refuses %j', (text) => {
    expect(() => summariseReport(text)).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('makes hostile names harmless and cuts them', () => {
    const summary = summarise({ name: `\u001b[31m${'x'.repeat(100)}`, version: '1\n2' });
    const text = summaryText({ summary, refused: [], failed: [], report: '' }, new RecordedTerminal({}));
    expect(text).toContain('│ \\u{1b}[31m');
    expect(text).toContain('1\\u{a}2');
    expect(text).not.toMatch(/x{41}/);
    expect(text).not.toMatch(/[^\n\P{Cc}]/u);
  });

  it('shows so many rows only and groups what was not approved by its reasons', () => {
    const summary = summarise(
      ...Array.from({ length: 70 }, (_, index) => ({ name: `thing-${index}`, result: 'Rejected' as const, url: `https://host.test:443/thing-${index}` })),
    );
    const text = summaryText({ summary, refused: [], failed: [], report: '' }, new RecordedTerminal({}));
    expect(text).toContain('… and 10 more; the report has them all.');
    expect(text).toMatch(
      /Withheld from the build: 70\n {2}70 × npm: its digest is not the declared one\n {4}thing-0 {2}https[^]*thing-4 {2}[^]* {4}… and 65 more/,
    );
    expect(text).not.toContain('thing-69');
  });

  it('says so when nothing was downloaded', () => {
    expect(summaryText({ summary: summarise(), refused: [], failed: [], report: '' }, new RecordedTerminal({}))).toMatch(
      /^Nothing was downloaded\.\n\n0 artefacts/,
    );
  });
});

describe('words for people', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
    [3000 * 1024 ** 4, '3000.0 TiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(readableSize(bytes)).toBe(text);
  });

  it('shortens by characters, not by halves of them', () => {
    expect(shorten('😀😀😀', 2)).toBe('😀…');
    expect(shorten('abc', 3)).toBe('abc');
  });

  it('colours only where it may', () => {
    const terminal = new RecordedTerminal({});
    expect(paint(terminal, 'red', 'no')).toBe('no');
    expect(paint({ ...terminal, colour: true, out: () => undefined, err: () => undefined }, 'red', 'no')).toBe('\u001b[31mno\u001b[39m');
  });
});
