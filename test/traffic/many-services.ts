// A weir.yaml of 10,000 services with ten servers each, as programs and people write it.

export const SERVICES = 10_000;
export const SERVERS = 10;

/** `others`: services beside those; `firstWeight`: of the first server of the first. */
export function manyServicesYaml(others: readonly object[] = [], firstWeight = 1): string {
  const lines = ["defaults: { protocol: tcp, scheduler: wrr, method: nat }", "services:", ...others.map((one) => `  - ${JSON.stringify(one)}`)];
  for (let i = 0; i < SERVICES; i++) {
    lines.push(`  - address: ${addressOf(10, i)}`, "    port: 80", "    destinations:");
    for (let j = 0; j < SERVERS; j++) lines.push(`      - { address: ${addressOf(172, i * SERVERS + j)}, weight: ${i + j === 0 ? firstWeight : 1 + j} }`);
  }
  return `${lines.join("\n")}\n`;
}

export function addressOf(network: number, number: number): string {
  return `${network}.${128 + (number >> 14)}.${(number >> 7) & 127}.${1 + (number & 127)}`;
}
