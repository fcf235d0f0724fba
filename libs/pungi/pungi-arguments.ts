import type { ComposeRequest } from '../compose/compose-request.js';

/** As Pungi and productmd have them. */
export const pungiComposeTypes = ['test', 'ci', 'nightly', 'production', 'development'] as const;
export type PungiComposeType = (typeof pungiComposeTypes)[number];

export function isComposeType(name: string): name is PungiComposeType {
  return (pungiComposeTypes as readonly string[]).includes(name);
}

export interface PungiRun {
  /** Absolute paths. */
  readonly config: string;
  readonly composeDirectory: string;
  /** Directory with links to earlier composes. */
  readonly oldComposes: string;
  /** Of the settings. */
  readonly arguments: readonly string[];
  readonly request: Pick<ComposeRequest, 'composeType' | 'label' | 'flags' | 'parentPungiComposeIds' | 'respinOf'>;
  readonly kojiEvent: number | null;
}

/** The command line of `pungi-koji`, as ODCS has it. */
export function pungiArguments({ config, composeDirectory, oldComposes, arguments: own, request, kojiEvent }: PungiRun): string[] {
  const typed = pungiComposeTypes.some((type) => own.includes(`--${type}`));
  return [
    `--config=${config}`,
    '--no-latest-link',
    `--compose-dir=${composeDirectory}`,
    ...own,
    ...(typed ? [] : [`--${request.composeType}`]),
    ...(request.label === null ? [] : [`--label=${request.label}`]),
    ...(request.flags.includes('no_label') ? ['--no-label'] : []),
    ...request.parentPungiComposeIds.map((id) => `--parent-compose-id=${id}`),
    ...(request.respinOf === null ? [] : [`--respin-of=${request.respinOf}`]),
    ...(kojiEvent === null ? [] : ['--koji-event', String(kojiEvent)]),
    '--old-composes',
    oldComposes,
  ];
}
