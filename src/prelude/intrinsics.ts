// What kernel TypeScript can say beyond the language itself. The compiler knows each of these by its `intrinsic` name;
// called as JavaScript they do what they can there (make, sizeOf, likely) or throw.

import type { IntegerType, u32 } from "#layout/numbers.js";
import type { FieldView, StructType, View } from "#layout/struct.js";

export interface Intrinsic {
  readonly intrinsic: string;
}

function intrinsic<F extends (...args: never[]) => unknown>(name: string, javascript?: F): F & Intrinsic {
  const refuse = () => {
    throw new TypeError(`${name}() has a meaning in the kernel only; run the compiled program (ebpf/machine) instead`);
  };
  return Object.assign(javascript ?? (refuse as unknown as F), { intrinsic: name });
}

/** The integer fields of a struct. */
type IntegerFields<S> = S extends StructType<any, infer Fields>
  ? { [K in keyof Fields]: Fields[K] extends IntegerType<any, any> ? K : never }[keyof Fields] & string
  : never;
type FieldsOf<S> = S extends StructType<any, infer Fields> ? Fields : never;
type Given<S> = { [K in keyof FieldsOf<S>]?: FieldView<FieldsOf<S>[K]> };

/** A struct on the stack. Fields that are not given are zero, padding too. */
export const make: (<S extends StructType<any, any>>(type: S, fields?: Given<S>) => View<S>) & Intrinsic =
  intrinsic("make", <S extends StructType<any, any>>(_type: S, fields?: Given<S>): View<S> => ({ ...fields }) as View<S>);

/** In bytes. */
export const sizeOf: ((type: StructType<any, any>) => u32) & Intrinsic = intrinsic("sizeOf", (type: StructType<any, any>) => type.size);

/** Which way a branch usually goes; the unlikely side is laid out after the rest. */
export const likely: ((condition: boolean) => boolean) & Intrinsic = intrinsic("likely", (condition: boolean) => condition);
export const unlikely: ((condition: boolean) => boolean) & Intrinsic = intrinsic("unlikely", (condition: boolean) => condition);

interface AtomicOperation {
  <T extends object, K extends string & keyof T>(object: T, field: K, value: T[K]): void;
}
interface AtomicFetch {
  <T extends object, K extends string & keyof T>(object: T, field: K, value: T[K]): T[K];
}

/** Atomic read-modify-write of a 32- or 64-bit field of a map value: atomicAdd(destination, "active", 1). */
export const atomicAdd = intrinsic("atomicAdd") as unknown as AtomicOperation & Intrinsic;
export const atomicOr = intrinsic("atomicOr") as unknown as AtomicOperation & Intrinsic;
export const atomicAnd = intrinsic("atomicAnd") as unknown as AtomicOperation & Intrinsic;
/** The same, giving the value from before; a full memory barrier. */
export const fetchAdd = intrinsic("fetchAdd") as unknown as AtomicFetch & Intrinsic;
export const fetchOr = intrinsic("fetchOr") as unknown as AtomicFetch & Intrinsic;
export const fetchAnd = intrinsic("fetchAnd") as unknown as AtomicFetch & Intrinsic;
export const fetchXor = intrinsic("fetchXor") as unknown as AtomicFetch & Intrinsic;
export const exchange = intrinsic("exchange") as unknown as AtomicFetch & Intrinsic;
/** Writes `desired` when the field holds `expected`; gives what it held. */
export const compareExchange = intrinsic("compareExchange") as unknown as
  (<T extends object, K extends string & keyof T>(object: T, field: K, expected: T[K], desired: T[K]) => T[K]) & Intrinsic;

export type { IntegerFields };
