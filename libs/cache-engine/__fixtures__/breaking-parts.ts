/** Counts the calls of both, and is killed at one of them: neither it nor anything after it has an effect, or it alone has one. */
export interface Breaking {
  readonly calls: string[];
  <T extends object>(what: string, part: T): T;
}

export function breakingAt(at: number, after: boolean): Breaking {
  const calls: string[] = [];
  let dead = false;
  const breaking = <T extends object>(what: string, part: T): T =>
    new Proxy(part, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]) => {
          if (dead) throw new Error('killed');
          calls.push(`${what}.${String(name)}`);
          dead = calls.length === at;
          if (dead && !after) throw new Error('killed');
          const answer: unknown = await (member as (...given: unknown[]) => unknown).apply(target, given);
          if (dead) {
            (answer as { content?: { destroy?: () => void } } | undefined)?.content?.destroy?.();
            throw new Error('killed');
          }
          return answer;
        };
      },
    });
  return Object.assign(breaking, { calls });
}
