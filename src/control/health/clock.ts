// Time as the engine has it, so that tests may have their own.

export interface Clock {
  now(): Date;
  /** Gives what calls it off. */
  after(seconds: number, use: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => new Date(),
  // By way of setImmediate(): when this process was busy for long, what came meanwhile is read before a timer says that it did not come.
  after(seconds, use) {
    let immediate: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => { immediate = setImmediate(use); }, seconds * 1000);
    return () => { clearTimeout(timer); clearImmediate(immediate); };
  },
};
