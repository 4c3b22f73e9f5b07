// The integer types that packets, maps and kernel TypeScript are made of. Each is three things at once:
// a TypeScript type, a description of bytes (for structs, codecs and BTF), and a conversion.
//
// u8…u32 are plain numbers to TypeScript: their width is the compiler's business. u64 is a bigint, so it never mixes
// with them unnoticed. Big-endian types are branded: a Be16 never meets a number without be16() or toHost().

declare const valueType: unique symbol;
declare const brand: unique symbol;

export interface IntegerType<Value = number | bigint, Name extends string = string> {
  /** Converts: wraps to this width, as the kernel's registers do. */
  (value: number | bigint | boolean): Value;
  readonly kind: "integer";
  readonly typeName: Name;
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
  readonly bigEndian: boolean;
  readonly [valueType]?: Value;
}

/** The TypeScript type of a value of the given integer type. */
export type IntegerValue<T> = T extends IntegerType<infer V, string> ? V : never;

/** A number that mixes with no other: EtherType never compares with IpProtocol. */
export type Branded<Value, Name extends string> = Value & { readonly [brand]: Name };

export type u8 = number;
export type u16 = number;
export type u32 = number;
export type u64 = bigint;
export type i32 = number;
export type i64 = bigint;
/** 16 bits in network byte order, held as the host loads them (0x5000 for port 80 on x86). */
export type Be16 = Branded<number, "Be16">;
export type Be32 = Branded<number, "Be32">;
export type Be64 = Branded<bigint, "Be64">;

const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function integer<Value>(typeName: string, bits: 8 | 16 | 32 | 64, signed: boolean, bigEndian = false) {
  const convert = (value: number | bigint | boolean): number | bigint => {
    const wide = typeof value === "bigint" ? value : typeof value === "boolean" ? BigInt(value) : BigInt(Math.trunc(value));
    const wrapped = signed ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide);
    return bits === 64 ? wrapped : Number(wrapped);
  };
  return Object.assign(convert, { kind: "integer", typeName, bits, signed, bigEndian }) as unknown as IntegerType<Value>;
}

export const u8 = integer<u8>("u8", 8, false) as IntegerType<u8, "u8">;
export const u16 = integer<u16>("u16", 16, false);
export const u32 = integer<u32>("u32", 32, false);
export const u64 = integer<u64>("u64", 64, false);
export const i32 = integer<i32>("i32", 32, true);
export const i64 = integer<i64>("i64", 64, true);
/** As descriptions only; to convert, use be16(), be32(), be64(). */
export const Be16 = integer<Be16>("Be16", 16, false, true);
export const Be32 = integer<Be32>("Be32", 32, false, true);
export const Be64 = integer<Be64>("Be64", 64, false, true);

/** Host to network order: be16(80) is port 80 as it stands in a packet. */
export function be16(value: u16): Be16 {
  return (hostIsLittleEndian ? ((value & 0xff) << 8) | ((value >> 8) & 0xff) : value & 0xffff) as Be16;
}
export function be32(value: u32): Be32 {
  if (!hostIsLittleEndian) return (value >>> 0) as Be32;
  return ((((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0) as Be32;
}
export function be64(value: u64): Be64 {
  if (!hostIsLittleEndian) return value as Be64;
  const high = be32(Number(BigInt.asUintN(32, value >> 32n)));
  const low = be32(Number(BigInt.asUintN(32, value)));
  return ((BigInt(low) << 32n) | BigInt(high)) as Be64;
}
/** Network to host order. */
export const host16 = (value: Be16): u16 => be16(value) as number;
export const host32 = (value: Be32): u32 => be32(value) as number;
export const host64 = (value: Be64): u64 => be64(value) as bigint;

/**
 * A type with the bytes of `base` and a name of its own, which mixes with no other:
 * `const EtherType = distinct<EtherType>("EtherType", Be16)`.
 */
export function distinct<Value extends Branded<number, string>>(typeName: string, base: IntegerType): IntegerType<Value> {
  return integer<Value>(typeName, base.bits, base.signed, base.bigEndian);
}
