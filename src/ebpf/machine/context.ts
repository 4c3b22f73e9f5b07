// The program's argument. Programs read struct xdp_md or struct __sk_buff; the kernel's verifier rewrites each access
// into one of its own xdp_buff or sk_buff (Linux net/core/filter.c, xdp_convert_ctx_access(), bpf_convert_ctx_access()).
// Here the structs are memory; only data, data_end and data_meta are more: 32-bit fields that load as addresses.

import { u16, u32, u64, u8 } from "#layout/numbers.js";
import type { StructType } from "#layout/struct.js";
import { array, fieldOf, struct } from "#layout/struct.js";
import type { ProgramType } from "../spec.js";
import { Fault } from "./errors.js";
import type { Region } from "./memory.js";
import { ORIGIN, createRegion } from "./memory.js";
import type { Packet } from "./packet.js";
import type { Registers } from "./registers.js";

/** Linux include/uapi/linux/bpf.h, struct xdp_md. */
export const XdpMd = struct("xdp_md", {
  data: u32, data_end: u32, data_meta: u32, ingress_ifindex: u32, rx_queue_index: u32, egress_ifindex: u32,
}, { size: 24 });

/** Linux include/uapi/linux/bpf.h, struct __sk_buff. */
export const SkBuff = struct("__sk_buff", {
  len: u32, pkt_type: u32, mark: u32, queue_mapping: u32, protocol: u32, vlan_present: u32, vlan_tci: u32, vlan_proto: u32,
  priority: u32, ingress_ifindex: u32, ifindex: u32, tc_index: u32, cb: array(u32, 5), hash: u32, tc_classid: u32,
  data: u32, data_end: u32, napi_id: u32, family: u32, remote_ip4: u32, local_ip4: u32, remote_ip6: array(u32, 4),
  local_ip6: array(u32, 4), remote_port: u32, local_port: u32, data_meta: u32, flow_keys: u64, tstamp: u64, wire_len: u32,
  gso_segs: u32, sk: u64, gso_size: u32, tstamp_type: u8, padding: u8, padding2: u16, hwtstamp: u64,
}, { size: 192 });

/** What a TC program may write: net/core/filter.c, tc_cls_act_is_valid_access(). */
const writableFields = ["mark", "queue_mapping", "priority", "tc_index", "cb", "tc_classid", "tstamp"];

export type ContextValues = { readonly [field: string]: number };

export class Context {
  readonly region: Region;
  readonly #layout: StructType<any, any> | undefined;
  readonly #packet: Packet;
  readonly #data: number;
  readonly #dataEnd: number;
  readonly #dataMeta: number;

  /** `bytes`: a syscall program's argument, which is plain memory. */
  constructor(type: ProgramType, packet: Packet, bytes?: Uint8Array) {
    this.#layout = type === "syscall" ? undefined : type === "xdp" ? XdpMd : SkBuff;
    this.#packet = packet;
    this.region = createRegion("the context", bytes ?? new Uint8Array(this.#layout?.size ?? 0));
    [this.#data, this.#dataEnd, this.#dataMeta] = ["data", "data_end", "data_meta"].map((name) => this.#offsetOf(name)) as [number, number, number];
  }

  set(values: ContextValues): void {
    for (const [name, value] of Object.entries(values)) this.region.view.setUint32(this.#offsetOf(name), value, true);
  }

  get(field: string): number {
    return this.region.view.getUint32(this.#offsetOf(field), true);
  }

  /** True when the field at `at` is an address, which is then in register `d`. */
  loadAddress(r: Registers, d: number, at: number, bytes: number): boolean {
    if (at !== this.#data && at !== this.#dataEnd && at !== this.#dataMeta) return false;
    if (bytes !== 4) throw new Fault(`reads ${bytes} bytes of an address in the context; it is loaded by 4`);
    r[d] = ORIGIN + (at === this.#dataEnd ? this.#packet.linear : 0);
    r[d + 1] = this.#packet.regionId;
    return true;
  }

  expectWritable(at: number): void {
    if (this.#layout === undefined) return;
    const field = this.#layout.fields.find((candidate) => at >= candidate.offset && at < candidate.offset + candidate.size);
    if (this.#layout === SkBuff && field !== undefined && writableFields.includes(field.name)) return;
    throw new Fault(`writes to ${field?.name ?? `byte ${at}`} of ${this.#layout.name}, which is read only`);
  }

  #offsetOf(name: string): number {
    return this.#layout === undefined ? -1 : fieldOf(this.#layout, name).offset;
  }
}
