// TCP's states as LVS follows them, by name: Linux v6.12 net/netfilter/ipvs/ip_vs_proto_tcp.c, tcp_states[].

const NAMES = {
  NO: "NONE", ES: "ESTABLISHED", SS: "SYN_SENT", SR: "SYN_RECV", FW: "FIN_WAIT", TW: "TIME_WAIT", CL: "CLOSE", CW: "CLOSE_WAIT", LA: "LAST_ACK", LI: "LISTEN", SA: "SYNACK",
} as const;
type Short = keyof typeof NAMES;
export type TcpState = (typeof NAMES)[Short];

/** Who sent the packet; "client only": of a connection whose answers the director never sees. */
export type Sender = "client" | "server" | "client only";

const ORDER = "NO ES SS SR FW TW CL CW LA LI SA".split(" ") as Short[];
const TABLE: { readonly [sender in Sender]: { readonly [flag: string]: string } } = {
  "client": {
    syn: "SR ES ES SR SR SR SR SR SR SR SR",
    fin: "CL CW SS TW TW TW CL CW LA LI TW",
    ack: "ES ES SS ES FW TW CL CW CL LI ES",
    rst: "CL CL CL SR CL CL CL CL LA LI SR",
  },
  "server": {
    syn: "SS ES SS SR SS SS SS SS SS LI SR",
    fin: "TW FW SS TW FW TW CL TW LA LI TW",
    ack: "ES ES SS ES FW TW CL CW LA ES ES",
    rst: "CL CL SS CL CL TW CL CL CL CL CL",
  },
  "client only": {
    syn: "SR ES ES SR SR SR SR SR SR SR SR",
    fin: "CL FW SS TW FW TW CL CW LA LI TW",
    ack: "ES ES SS ES FW TW CL CW CL LI ES",
    rst: "CL CL CL SR CL CL CL CL LA LI CL",
  },
};

/** `flags`: TCP's, of which the first of reset, SYN, FIN and ACK decides. */
export function nextTcpState(state: TcpState, flags: number, sender: Sender): TcpState {
  const flag = (flags & 4) !== 0 ? "rst" : (flags & 2) !== 0 ? "syn" : (flags & 1) !== 0 ? "fin" : (flags & 16) !== 0 ? "ack" : undefined;
  if (flag === undefined) return "CLOSE";
  const column = ORDER.findIndex((short) => NAMES[short] === state);
  return NAMES[TABLE[sender][flag]!.split(" ")[column] as Short];
}
