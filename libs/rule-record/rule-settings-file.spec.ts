import { describe, expect, it } from '@jest/globals';
import { parseSettingsFile } from '../settings-file/read-settings-file.js';
import { readRules, ruleSettingsFile } from './rule-settings-file.js';

const bus = 'buses:\n  - { name: koji, type: webhook, verify: { kind: standard-webhooks, secrets: [{ env: SECRET }] }, topic: { fixed: tag } }\n';
const rule = (buses: string) => `rules:\n  - name: tags\n    buses: [${buses}]\n    request: { source: { type: tag, source: f41 } }\n`;
const parse = (text: string) => parseSettingsFile(text, 'rules.yaml', ruleSettingsFile);

describe('the file of rules', () => {
  it('has buses and rules of them', () => {
    expect(parse(`${bus}${rule('koji')}`).rules).toMatchObject([{ name: 'tags', buses: ['koji'] }]);
    expect(parse(bus).rules).toEqual([]);
  });

  it('names rules of a bus that there is not', () => {
    expect(() => parse(`${bus}${rule('koji, umb')}`)).toThrow('rules.yaml: rules[0].buses: there is no bus umb; there are koji');
  });

  it('names the place of a mistake', () => {
    expect(() => parse(`${bus}${rule('koji')}    key: '{{ topic }}'\n`)).toThrow('rules[0].key: the template {{ topic }} uses topic; it has message');
  });

  it('need not be there', async () => {
    expect([...(await readRules(undefined))]).toEqual([]);
  });
});
