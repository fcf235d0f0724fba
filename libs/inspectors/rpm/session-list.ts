import type { SessionKnowledge } from '../../inspection/inspector.js';
import { changeKnowledge } from '../declarations/change-knowledge.js';

/** Entries of a list in the session's knowledge, newest first. */
export async function readList<Entry>(knowledge: SessionKnowledge, key: string): Promise<readonly Entry[]> {
  return parseList(await knowledge.get(key));
}

/** Changes a list: `change` gets what is there and returns what shall be; made twice it must do no harm. */
export function changeList<Entry>(knowledge: SessionKnowledge, key: string, change: (entries: readonly Entry[]) => readonly Entry[]): Promise<void> {
  return changeKnowledge(knowledge, key, (before) => JSON.stringify(change(parseList<Entry>(before))));
}

function parseList<Entry>(value: string | undefined): readonly Entry[] {
  return value === undefined ? [] : (JSON.parse(value) as Entry[]); // written by this file only
}
