/** Of all that are not 0; 0 when all are. */
export function greatestCommonDivisor(numbers: readonly number[]): number {
  return numbers.reduce(ofTwo, 0);
}

function ofTwo(a: number, b: number): number {
  return b === 0 ? a : ofTwo(b, a % b);
}
