import { createHash } from 'node:crypto';
import type { SessionKnowledge } from '../../inspection/inspector.js';

const slots = 16;
const maxInSlot = 200;
/** Each round settles at least one of those that write a slot at the same moment. */
const maxRounds = 8;

/**
 * Adds an item to a list in the session's knowledge unless it is there. Knowledge has no transactions, and two inspections may add at the same moment in
 * different threads or processes: the list is spread over slots, so that they seldom meet in one value, and what was written over is written again.
 */
export async function addToList(knowledge: SessionKnowledge, list: string, item: string): Promise<void> {
  const key = slotKey(list, hashOf(item) % slots);
  for (let round = 0; round < maxRounds; round += 1) {
    const items = parseItems(await knowledge.get(key));
    if (items.includes(item)) return;
    await knowledge.put(key, JSON.stringify([item, ...items].slice(0, maxInSlot)));
  }
}

/** Every item of a list. */
export async function readList(knowledge: SessionKnowledge, list: string): Promise<readonly string[]> {
  const values = await Promise.all(Array.from({ length: slots }, (_, slot) => knowledge.get(slotKey(list, slot))));
  return values.flatMap(parseItems);
}

/** A number that is the same for the same text everywhere, below 2^32. */
export function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}

function slotKey(list: string, slot: number): string {
  return `${list}/${slot}`;
}

function parseItems(value: string | undefined): readonly string[] {
  return value === undefined ? [] : (JSON.parse(value) as string[]); // written by this file only
}
