import { decidePromotion, decideRollback, evolveName, nameNotFound, rollbackTargets, unnamed, type ComposeNameEvent, type ComposeNameLife } from '../../../libs/compose-names/compose-name-life.js';
import type { ComposeName, ComposeNames, NamedCompose } from '../../../libs/compose-names/compose-names.js';
import type { Compose } from '../../../libs/compose/compose.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

/** Names in memory, for specs of what the gateway itself does with HTTP. */
export class MemoryNames implements ComposeNames {
  readonly #lives = new Map<string, ComposeNameLife>();
  readonly #histories = new Map<string, NamedCompose[]>();

  constructor(private readonly composes: ReadonlyMap<number, Compose>) {}

  async promote(name: string, composeId: number, { by, force = false }: { readonly by: string; readonly force?: boolean }): Promise<ComposeName> {
    const compose = this.composes.get(composeId);
    if (compose === undefined) throw new MillraceError('compose-not-found', 'No such compose found.');
    if (compose.state !== 'done') throw new MillraceError('compose-closed', `compose ${composeId} is ${compose.state}`);
    return this.#record(name, decidePromotion(this.#life(name), { composeId, by, force, now: new Date().toISOString() }));
  }

  async rollBack(name: string, { by, to }: { readonly by: string; readonly to?: number }): Promise<ComposeName> {
    const [target = to] = to === undefined ? rollbackTargets(this.#life(name)) : [to];
    if (this.#life(name).current === null) throw nameNotFound(name);
    if (target === undefined) throw new MillraceError('compose-closed', `the name ${name} has no compose to go back to`);
    return this.#record(name, decideRollback(this.#life(name), { composeId: target, by, now: new Date().toISOString() }));
  }

  async remove(name: string): Promise<void> {
    await this.get(name);
    this.#lives.delete(name);
  }

  async get(name: string): Promise<ComposeName> {
    const { current } = this.#life(name);
    if (current === null) throw nameNotFound(name);
    return { name, ...current };
  }

  async list({ limit, after = '' }: { readonly limit: number; readonly after?: string }): Promise<readonly ComposeName[]> {
    const names = [...this.#lives.keys()].filter((name) => name > after).sort();
    return Promise.all(names.slice(0, limit).map((name) => this.get(name)));
  }

  async history(name: string, limit: number): Promise<readonly NamedCompose[]> {
    return this.#histories.get(name)?.slice(0, limit) ?? Promise.reject(nameNotFound(name));
  }

  #life(name: string): ComposeNameLife {
    return this.#lives.get(name) ?? unnamed;
  }

  #record(name: string, event: Exclude<ComposeNameEvent, { type: 'NameRemoved' }> | undefined): Promise<ComposeName> {
    if (event === undefined) return this.get(name);
    const { composeId, since, by } = event.data;
    this.#lives.set(name, evolveName(this.#life(name), event));
    this.#histories.set(name, [{ composeId, since, by, kind: event.type === 'NamePromoted' ? 'promoted' : 'rolled-back' }, ...(this.#histories.get(name) ?? [])]);
    return this.get(name);
  }
}
