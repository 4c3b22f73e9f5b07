// The sysctl backup_only: a director with a backup daemon takes no requests, whatever it knows of connections, until the daemon is stopped.
// Linux v6.12 include/net/ip_vs.h, sysctl_backup_only(); ip_vs_core.c, ip_vs_in_hook().

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Bed, needs } from "./bed.js";
import { VIP as VIP6, SERVERS, addIpv6 } from "./ipv6-network.js";

describe("a director that stands by", needs, () => {
  let bed: Bed;
  const addresses = (): readonly string[] => [bed.topology.vip, VIP6];
  const serves = async (): Promise<readonly string[]> => Promise.all(addresses().map(async (address) => (await bed.client.get({ address, port: 80 })).server));
  /** Its stack has nobody at that port, and says so. */
  const isRefused = async (): Promise<void> => {
    for (const address of addresses()) await assert.rejects(bed.client.get({ address, port: 80 }), /ECONNREFUSED/);
  };
  const sysctl = async (setting: string): Promise<void> => assert.equal((await bed.weir(["sysctl", setting])).status, 0, setting);
  const synchronisation = async (): Promise<string> => /^Synchronisation as backup: .*$/m.exec((await bed.weir(["status"])).stdout)?.[0] ?? "none";

  before(async () => {
    bed = await Bed.open("nat");
    await addIpv6(bed, "nat");
    await bed.servers[0]!.serveHttp({ name: "r1", port: 8080 });
    await bed.servers[0]!.serveHttp({ name: "r1", port: 8080, address: `${SERVERS.nat}1` });
    for (const [service, server] of [[`${bed.topology.vip}:80`, bed.topology.addresses.servers[0]], [`[${VIP6}]:80`, `[${SERVERS.nat}1]`]]) {
      await bed.tell(`-A -t ${service} -s rr`);
      await bed.tell(`-a -t ${service} -r ${server}:8080 -m`);
    }
  });
  after(() => bed?.close());

  test("by backup_only alone it serves, and so it does by a backup daemon alone", async () => {
    await sysctl("backup_only=1");
    assert.deepEqual(await serves(), ["r1", "r1"]);
    await sysctl("backup_only=0");
    await bed.tell("--start-daemon backup --mcast-interface eth0");
    assert.deepEqual(await serves(), ["r1", "r1"]);
    assert.doesNotMatch(await synchronisation(), /backup_only/);
  });

  test("by both it leaves requests to the stack, those of services that come meanwhile too", async () => {
    await sysctl("backup_only=1");
    await isRefused();
    await bed.tell(`-A -t ${bed.topology.vip}:81 -s rr`);
    await bed.tell(`-a -t ${bed.topology.vip}:81 -r ${bed.topology.addresses.servers[0]}:8080 -m`);
    await assert.rejects(bed.client.get({ address: bed.topology.vip, port: 81 }), /ECONNREFUSED/);
    await bed.tell(`-D -t ${bed.topology.vip}:81`);
    await isRefused();
    assert.match(await synchronisation(), /: process \d+ takes .*; backup_only: requests are left to the stack until it is stopped$/);
  });

  test("not for a moment more than backup_only is on", async () => {
    await sysctl("backup_only=0");
    assert.deepEqual(await serves(), ["r1", "r1"]);
    await sysctl("backup_only=1");
    await isRefused();
  });

  test("stopping the daemon makes it the active one", async () => {
    await bed.tell("--stop-daemon backup");
    assert.deepEqual(await serves(), ["r1", "r1"]);
    assert.equal(await synchronisation(), "none");
  });

  test("killing it does not", async () => {
    await bed.tell("--start-daemon backup --mcast-interface eth0");
    const [, pid] = /: process (\d+) takes/.exec(await synchronisation()) ?? [];
    process.kill(Number(pid), "SIGKILL");
    await isRefused();
    assert.match(await synchronisation(), /: NOT RUNNING, .*; backup_only: requests are left/);
    // There is no daemon to stop any more, as it says; the director serves again.
    assert.notEqual((await bed.ipvsadm(["--stop-daemon", "backup"])).status, 0);
    assert.deepEqual(await serves(), ["r1", "r1"]);
  });
});
