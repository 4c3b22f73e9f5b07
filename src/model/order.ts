// The order in which ipvsadm lists services and their destinations: libipvs.c, ipvs_cmp_services() and ipvs_cmp_dests().
// They subtract unsigned numbers and look at the sign of the 32-bit result, so numbers more than half the range apart
// stand the wrong way round (200.0.0.1 before 10.0.0.1), and three of them may have no order at all. What is printed then
// depends on how it is sorted: by merging halves, as glibc's qsort() did up to 2.36.

import { addressWords } from "./address.js";
import type { Destination, Service } from "./director.js";

const PROTOCOL_NUMBER = { tcp: 6, udp: 17, sctp: 132 } as const;

/** Firewall mark (none before any), family, protocol, address, port. */
export function sortServices<T extends Service>(services: readonly T[]): T[] {
  return mergeSort(services, serviceNumbers);
}

/** Address, port; of an IPv4 address the missing words count as 0. */
export function sortDestinations<T extends Destination>(destinations: readonly T[]): T[] {
  return mergeSort(destinations, (destination) => [...addressWords(destination.address), destination.port]);
}

function serviceNumbers({ id }: Service): readonly number[] {
  if (id.kind === "fwmark") return [id.fwmark, id.family];
  return [0, id.address.includes(":") ? 6 : 4, PROTOCOL_NUMBER[id.protocol], ...addressWords(id.address), id.port];
}

function mergeSort<T>(items: readonly T[], numbersOf: (item: T) => readonly number[]): T[] {
  const keyed = items.map((item) => ({ item, numbers: numbersOf(item) }));
  const sort = (part: typeof keyed): typeof keyed => {
    if (part.length <= 1) return part;
    const middle = part.length >>> 1;
    return merge(sort(part.slice(0, middle)), sort(part.slice(middle)));
  };
  return sort(keyed).map(({ item }) => item);
}

function merge<T extends { readonly numbers: readonly number[] }>(left: readonly T[], right: readonly T[]): T[] {
  const merged: T[] = [];
  let [l, r] = [0, 0];
  while (l < left.length && r < right.length) {
    merged.push(compare(left[l]!.numbers, right[r]!.numbers) <= 0 ? left[l++]! : right[r++]!);
  }
  return [...merged, ...left.slice(l), ...right.slice(r)];
}

/** The first difference as a signed 32-bit number. */
function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i]! - b[i]!) | 0;
    if (difference !== 0) return difference;
  }
  return 0;
}
