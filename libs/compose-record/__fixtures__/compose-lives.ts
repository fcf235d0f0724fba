import type { ComposeRequest } from '../../compose/compose-request.js';
import type { ComposeCommands } from '../compose-commands.js';
import { composeRequest, generatedTree, pinnedInputs } from './composes.js';

/** Brings composes to where a spec needs them. */
export function composeLives(commands: () => ComposeCommands) {
  let number = 0;
  /** Content that no other compose of the spec has. */
  const fresh = (changes: Partial<ComposeRequest> = {}): ComposeRequest => composeRequest({ source: [`https://packages.test/${(number += 1)}`], ...changes });

  async function requested(request = fresh()): Promise<number> {
    return (await commands().request(request, { owner: 'ann' })).compose.id;
  }

  async function begun(request = fresh()): Promise<number> {
    const id = await requested(request);
    await commands().begin(id);
    return id;
  }

  async function pinned(request = fresh(), content?: string): Promise<number> {
    const id = await begun(request);
    await commands().pin(id, pinnedInputs(request, content));
    return id;
  }

  async function claimed(request = fresh()): Promise<number> {
    const id = await pinned(request);
    await commands().claimTree(id);
    return id;
  }

  async function done(request = fresh()): Promise<number> {
    const id = await claimed(request);
    await commands().complete(id, generatedTree(id));
    return id;
  }

  async function removed(request = fresh()): Promise<number> {
    const id = await done(request);
    await commands().remove(id, 'ann');
    await commands().expire(id);
    return id;
  }

  return { fresh, requested, begun, pinned, claimed, done, removed };
}
