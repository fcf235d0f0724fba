import type { ComposeRequest } from '../compose/compose-request.js';
import type { PinnedConfig } from '../compose/compose-plan.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { GitCheckout } from '../git-checkout/checkout.js';
import { readSecret } from '../settings-file/read-secret.js';
import { findRawConfig, readPungiSettings } from './read-pungi-settings.js';
import type { RawConfig } from './pungi-settings-schema.js';
import { writePungiTree, type PungiWork, type ToolOptions } from './write-pungi-tree.js';

/** Configurations of Pungi in git, and what Pungi makes of them. */
export interface RawConfigs {
  /** The commit that is meant just now. Errors: those of `GitCheckout`; `invalid-request`, `invalid-setting`. */
  pin(request: ComposeRequest, options: { readonly signal: AbortSignal }): Promise<PinnedConfig>;
  /**
   * Has Pungi make a whole tree. Errors: the signal's reason, when nothing of Pungi runs any more; those of `GitCheckout`; `source-invalid` for the configuration, `unresolvable` for what Pungi
   * could not make, `storage-full`, `tool-not-found`, `invalid-setting`.
   */
  write(work: PungiWork, options: { readonly signal: AbortSignal }): Promise<void>;
}

export interface RawConfigOptions extends ToolOptions {
  /** Absolute path of the settings. */
  readonly file: string;
  readonly git: GitCheckout;
}

export function createRawConfigs(options: RawConfigOptions): RawConfigs {
  const { file, git, environment } = options;

  async function authorizationOf({ username, password }: RawConfig): Promise<{ readonly authorization?: string }> {
    if (username === undefined || password === undefined) return {};
    return { authorization: `Basic ${Buffer.from(`${username}:${await readSecret(password, environment)}`).toString('base64')}` };
  }

  function settingsOf(request: ComposeRequest) {
    const settings = readPungiSettings(file);
    const config = findRawConfig(settings, request);
    if (config === undefined) throw new MillraceError('invalid-request', `no configuration of Pungi has the name of ${JSON.stringify(request.source.join(' '))}`);
    return { settings, config };
  }

  return {
    async pin(request, { signal }) {
      const { config } = settingsOf(request);
      const commit = await git.resolve({ url: config.url, commit: config.commit }, { signal, ...(await authorizationOf(config)) });
      return { name: config.name, url: config.url, commit };
    },
    async write(work, { signal }) {
      const { settings, config } = settingsOf(work.request);
      const authorization = await authorizationOf(config);
      const checkout = async (directory: string): Promise<void> => {
        const place = { url: config.url, commit: work.pinned.commit };
        const { files, omittedLinks } = await git.checkout(place, { directory, signal, ...authorization });
        work.log.info(`configuration ${config.name}: commit ${work.pinned.commit} of ${config.url}, ${files.length} files`);
        if (omittedLinks.length > 0) work.log.warn(`left out, because they lead out of the repository: ${omittedLinks.slice(0, 20).join(', ')}`);
      };
      await writePungiTree(work, { ...options, settings, config, checkout, signal });
    },
  };
}
