import { MillraceError } from '../../errors/millrace-error.js';
import { labelPattern } from '../compose-identity.js';
import { isComposeType, pungiComposeTypes } from '../../pungi/pungi-arguments.js';
import type { PungiSettings } from '../../pungi/pungi-settings-schema.js';
import type { RawConfigs } from '../../pungi/raw-configs.js';
import { findRawConfig, parseRawSource, readValidPungiSettings } from '../../pungi/read-pungi-settings.js';
import { linkPungiTree, settlePungiTree, writePungiTree } from '../pungi-tree.js';
import type { SourceKind } from './source-kind.js';

export const rawConfigKind: SourceKind = {
  missing({ pungiFile, hasTool }) {
    if (pungiFile === undefined) return 'configurations of Pungi (MILLRACE_PUNGI)';
    const settings = readValidPungiSettings(pungiFile);
    if (settings === undefined) return 'settings of Pungi without mistakes (MILLRACE_PUNGI)';
    if (Object.keys(settings['raw-configs']).length === 0) return 'configurations of Pungi (raw-configs in the file of MILLRACE_PUNGI)';
    const lost = toolsOf(settings).filter((name) => !hasTool(name));
    return lost.length === 0 ? undefined : `Pungi (${lost.join(', ')}, which cannot be found here)`;
  },
  check(request, { pungiFile }) {
    const settings = pungiFile === undefined ? undefined : readValidPungiSettings(pungiFile);
    const { composeType, label, flags } = request;
    if (settings === undefined) return [];
    return [
      ...(findRawConfig(settings, request) === undefined ? [unknownConfig(request, settings)] : []),
      ...(isComposeType(composeType) ? [] : [`Pungi knows no compose_type ${JSON.stringify(composeType)}; it knows ${pungiComposeTypes.join(', ')}`]),
      ...(label === null || labelPattern.test(label) ? [] : [`${JSON.stringify(label)} is no label that Pungi takes: it takes RC-1.0 and the like`]),
      ...(composeType === 'production' && label === null && !flags.includes('no_label') ? ['Pungi needs a label for compose_type production, or the flag no_label'] : []),
    ];
  },
  async pin({ rawConfigs, koji }, request, options) {
    const config = await configsOf(rawConfigs).pin(request, options);
    // As in ODCS, and for the same reason: Pungi would else settle it later, when nobody could say what it was.
    const kojiEvent = request.kojiEvent ?? (koji === undefined ? null : await koji.lastEvent(options));
    return { request, sources: [], lookaside: [], config, kojiEvent };
  },
  writeTree: ({ rawConfigs, store }, tree, options) => writePungiTree({ rawConfigs: configsOf(rawConfigs), store }, tree, options),
  settleTree: settlePungiTree,
  published: linkPungiTree,
};

function toolsOf({ pungi }: PungiSettings): string[] {
  return [pungi.program, pungi['config-dump'], ...(pungi['config-validate'] === undefined ? [] : [pungi['config-validate']])];
}

function unknownConfig(request: { readonly source: readonly string[] }, settings: PungiSettings): string {
  const asked = parseRawSource(request);
  const there = Object.keys(settings['raw-configs']).sort().join(', ');
  if (asked === undefined) return `source type raw_config takes one name#commit; there are ${there}`;
  return `there is no configuration of Pungi named ${JSON.stringify(asked.name)}; there are ${there}`;
}

/** Of this process. Errors: `invalid-setting`. */
function configsOf(rawConfigs: RawConfigs | undefined): RawConfigs {
  if (rawConfigs !== undefined) return rawConfigs;
  throw new MillraceError('invalid-setting', 'this compose is made of a configuration of Pungi, and this worker knows none', { suggestion: 'Set MILLRACE_PUNGI on every gateway and worker alike.' });
}
