// ~SEQ and ~LST at the head of a line: the rest of the line once for each value ("Sequence blocks" and "List blocks" in
// keepalived.conf(5)).

export interface Repetition {
  /** What the names stand for, time after time. */
  readonly rounds: readonly (readonly (readonly [name: string, value: string])[])[];
  readonly rest: string;
}

/** Values of one sequence; with more something else was meant. */
export const ROUNDS_MAX = 65536;

/** Undefined where the line begins with neither; a text where what begins so is wrong. */
export function readRepetition(line: string): Repetition | string | undefined {
  const [all, name, list] = /^~(SEQx?|LST)\(((?:[^(){}]|\{[^{}]*\})*)\)/.exec(line) ?? [];
  if (all === undefined) return /^~(?:SEQ|LST)/.test(line) ? `${JSON.stringify(line)} is no sequence and no list; write ~SEQ(VARIABLE, START, STEP, END) or ~LST(VARIABLE, VALUE, VALUE)` : undefined;
  const rounds = name === "LST" ? readList(list!) : readSequence(list!, name === "SEQx");
  return typeof rounds === "string" ? rounds : { rounds, rest: line.slice(all.length).trimStart() };
}

function readSequence(list: string, hexadecimal: boolean): Repetition["rounds"] | string {
  const [name = "", ...texts] = list.split(",").map((part) => part.trim());
  const numbers = texts.map(Number);
  if (!/^[a-z_]\w*$/i.test(name) || numbers.length < 1 || numbers.length > 3 || texts.includes("") || !numbers.every(Number.isInteger)) {
    return `${JSON.stringify(list)} is no sequence; write ~SEQ(VARIABLE, START, STEP, END) with whole numbers`;
  }
  const end = numbers.at(-1)!;
  const start = numbers.length > 1 ? numbers[0]! : end > 0 ? 1 : -1;
  const step = numbers.length === 3 ? numbers[1]! : end >= start ? 1 : -1;
  if (step === 0) return `a step of 0 does not get from ${start} to ${end}; give another`;
  if ((end - start) / step >= ROUNDS_MAX) return `the sequence from ${start} to ${end} by ${step} has over ${ROUNDS_MAX} values; write a shorter one`;
  const rounds: (readonly [string, string])[][] = [];
  for (let value = start; step > 0 ? value <= end : value >= end; value += step) rounds.push([[name, value.toString(hexadecimal ? 16 : 10)]]);
  return rounds;
}

function readList(list: string): Repetition["rounds"] | string {
  const [head, ...values] = [...list.matchAll(/\{([^}]*)\}|([^,\s][^,]*)/g)].map(([, group, single]) => (group === undefined ? [single!.trim()] : group.split(",").map((part) => part.trim())));
  if (head === undefined || values.length === 0 || !head.every((name) => /^[a-z_]\w*$/i.test(name))) {
    return `${JSON.stringify(list)} is no list; write ~LST(VARIABLE, VALUE, VALUE), or ~LST({A, B}, {VALUE, VALUE}, …)`;
  }
  const short = values.find((group) => group.length !== head.length);
  if (short !== undefined) return `{${short.join(", ")}} has ${short.length} values for ${head.length} variables; give as many of both`;
  return values.map((group) => head.map((name, i) => [name, group[i]!] as const));
}
