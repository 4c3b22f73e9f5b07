// SCTP's states as LVS follows them, by name: Linux v6.12 net/netfilter/ipvs/ip_vs_proto_sctp.c, sctp_states[].

import type { Sender } from "./tcp-model.js";

const NAMES = {
  NO: "NONE", I1: "INIT1", IN: "INIT", CS: "C-SENT", CR: "C-REPLIED", CW: "C-WAIT", CO: "COOKIE", CE: "C-ECHOED", ES: "ESTABLISHED", SS: "S-SENT", SR: "S-RECEIVED",
  SA: "S-ACK-SENT", RJ: "REJECTED", CL: "CLOSED",
} as const;
type Short = keyof typeof NAMES;
export type SctpState = (typeof NAMES)[Short];

const ORDER = "NO I1 IN CS CR CW CO CE ES SS SR SA RJ CL".split(" ") as Short[];
/** By a chunk's type; others are as 0, DATA. */
const TABLE: { readonly [sender in Sender]: { readonly [chunk: number]: string } } = {
  "client": {
    0: "ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
    1: "I1 IN IN CS CR CW CO CE ES SS SR SA IN IN",
    2: "CW CW CW CS CR CO CO CE ES SS SR SA RJ CL",
    6: "CL CL CL CL CL RJ CL CL CL CL CL CL CL CL",
    7: "SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL",
    8: "CL IN IN CS CR CW CO CE ES CL SR CL RJ CL",
    9: "CL I1 IN CS CR CW CO CL ES SS SR SA RJ CL",
    10: "CR IN IN CR CR CW CO CE ES SS SR SA RJ CL",
    11: "ES I1 IN CS CR CW CO ES ES SS SR SA RJ CL",
    14: "CL CL CL CS CR CW CO CE ES SS SR CL RJ CL",
  },
  "server": {
    0: "ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
    1: "CW CW CW CW CW CW CW CW ES CW CW CW CW CW",
    2: "CS CS CS CS CR CW CO CE ES SS SR SA RJ CL",
    6: "CL RJ CL CL CL CL CL CL CL CL CL CL CL CL",
    7: "SS SS SS SS SS SS SS SS SS SS SR SA RJ CL",
    8: "SA SA SA SA SA CW CO CE ES SA SA SA RJ CL",
    9: "CL CL CL CL CL CW CO CE ES SS SR SA RJ CL",
    10: "CE CE CE CE CE CE CE CE ES SS SR SA RJ CL",
    11: "ES ES ES ES ES ES ES ES ES SS SR SA RJ CL",
    14: "CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
  },
  "client only": {
    0: "ES I1 IN CS CR ES CO CE ES SS SR SA RJ CL",
    1: "I1 IN IN IN IN IN CO CE ES SS SR SA IN IN",
    2: "CE CE CE CE CE CE CO CE ES SS SR SA RJ CL",
    6: "CL CL CL CL CL RJ CL CL CL CL CL CL CL CL",
    7: "SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL",
    8: "CL IN IN CS CR CW CO CE CL CL SR CL RJ CL",
    9: "CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL",
    10: "ES ES ES ES ES ES CO CE ES SS SR SA RJ CL",
    11: "ES I1 IN ES ES CW ES ES ES SS SR SA RJ CL",
    14: "CL CL CL CL CL CW CO CE ES SS CL CL RJ CL",
  },
};

/** `chunks`: the types of the packet's, in their order. */
export function nextSctpState(state: SctpState, chunks: readonly number[], sender: Sender): SctpState {
  const [first = 0, second] = chunks;
  const isCookie = first === 10 || first === 11;
  const row = TABLE[sender][isCookie && second === 6 ? second : first] ?? TABLE[sender][0]!;
  const column = ORDER.findIndex((short) => NAMES[short] === state);
  return NAMES[row.split(" ")[column] as Short];
}
