// Plays scripts to the real IPVS of this machine's kernel, as root. Runs where that kernel is: here, or in a guest.
//
//   node dist/out/test/conformance/play.js SEED COUNT KIND [FEATURE...]     one line a script on stdout: its transcript

import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { generate } from "./generate.js";
import { featuresByName, kindByName } from "./kind.js";
import { Player } from "./player.js";
import { TapNetwork } from "./tap-network.js";
import { encodeTranscript } from "./transcript.js";

/** Scripts that are played before their statistics are looked at together. */
const BATCH = 10;
/** Linux net/netfilter/ipvs/ip_vs_est.c: statistics are summed every two seconds. */
const STATISTICS_MILLISECONDS = 2200;
const MODULES = ["ip_vs", "tun"];

await main();

async function main(): Promise<void> {
  const [seed, count, kindName = "", ...featureNames] = process.argv.slice(2);
  const kind = kindByName(kindName);
  const features = featuresByName(kind, featureNames);
  spawnSync("modprobe", ["-a", ...MODULES]);
  spawnSync("sysctl", ["-qw", "net.ipv4.icmp_msgs_per_sec=100000", "net.ipv4.icmp_msgs_burst=100000"]);
  const stack = new TapNetwork();
  for (let done = 0; done < Number(count); done += BATCH) {
    const seeds = Array.from({ length: Math.min(BATCH, Number(count) - done) }, (_, i) => Number(seed) + done + i);
    const players = seeds.map((one) => new Player(generate(one, kind, features), stack));
    for (const player of players) player.play();
    await sleep(STATISTICS_MILLISECONDS);
    for (const player of players) console.log(encodeTranscript(player.finish()));
  }
  stack.close();
}
