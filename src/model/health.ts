// What makes a server healthy, and what becomes of one that is not, as an administrator means it: the checkers of keepalived 2.2.7 and
// ldirectord under one set of names. No clock and no I/O here: control/health carries it out. keepalived.conf(5) is the source of
// meanings and defaults.

import type { Address, Destination } from "./director.js";

/** What every check has. Times are in seconds, fractions allowed. */
export interface CheckTiming {
  /** From the answer to a check, or the end of its time, to the next: delay_loop, checkinterval. */
  readonly every: number;
  /** After which a check that has not answered has failed: connect_timeout, misc_timeout, checktimeout. */
  readonly timeout: number;
  /** Failures in a row, beyond the first, that are forgiven: retry; ldirectord's failurecount less one. */
  readonly retries: number;
  /** From a forgiven failure to the next check: delay_before_retry. */
  readonly retryDelay: number;
  /** The first check comes at random within so long, lest all servers be asked at once: warmup. */
  readonly warmup: number;
}

/** Where a check goes, and from where; undefined: the destination's own address and port, and what the machine chooses. */
export interface CheckTarget {
  readonly address: Address | undefined;
  readonly port: number | undefined;
  readonly sourceAddress: Address | undefined;
  readonly sourcePort: number | undefined;
  readonly sourceInterface: string | undefined;
  /** SO_MARK. */
  readonly mark: number | undefined;
}

/** TCP_CHECK: the connection is accepted. */
export interface TcpProbe { readonly type: "tcp" }

/** HTTP_GET and SSL_GET: all requests, one after another, are answered as they should. */
export interface HttpProbe {
  readonly type: "http" | "https";
  readonly requests: readonly HttpRequest[];
  /** Of the request line. */
  readonly version: "1.0" | "1.1";
  /** https: the name of `host` goes into the handshake. */
  readonly sni: boolean;
  /** https: the certificate is verified against the machine's authorities. keepalived never does. */
  readonly verify: boolean;
}
export interface HttpRequest {
  readonly path: string;
  /** Of the Host header; undefined: the address that is asked. */
  readonly host: string | undefined;
  readonly method: "GET" | "HEAD";
  /** From and to, inclusive. */
  readonly status: readonly (readonly [number, number])[];
  /** MD5 of the body, in hexadecimal. */
  readonly digest: string | undefined;
  /** What the body must contain, and must not: sources of regular expressions. */
  readonly body: string | undefined;
  readonly bodyNot: string | undefined;
}

/** DNS_CHECK: a question over UDP is answered, and without an error. */
export interface DnsProbe {
  readonly type: "dns";
  /** "SOA", "A" … */
  readonly recordType: string;
  readonly name: string;
}

/** SMTP_CHECK: the greeting, HELO and QUIT are answered. */
export interface SmtpProbe {
  readonly type: "smtp";
  readonly helo: string;
}

/** UDP_CHECK: no ICMP error comes back, or with `reply` an answer as told. */
export interface UdpProbe {
  readonly type: "udp";
  /** Hexadecimal. */
  readonly payload: string;
  readonly reply: {
    /** Hexadecimal, and "##" for any byte; an answer that begins so is right. Undefined: any. */
    readonly begins: string | undefined;
    readonly lengthMin: number;
    readonly lengthMax: number;
  } | undefined;
}

/** PING_CHECK: an echo is answered. */
export interface PingProbe { readonly type: "ping" }

/** MISC_CHECK, checktype external: a program ends with status 0. */
export interface ScriptProbe {
  readonly type: "script";
  /** The program and its arguments; no shell. */
  readonly command: readonly string[];
  /** misc_dynamic: status 2 … 255 sets the weight to 0 … 253. */
  readonly setsWeight: boolean;
  /** Who runs it: "nobody", "nobody:nogroup"; undefined: who runs weir. */
  readonly user: string | undefined;
}

export type Probe = TcpProbe | HttpProbe | DnsProbe | SmtpProbe | UdpProbe | PingProbe | ScriptProbe;
export type Check = Probe & CheckTiming & CheckTarget;

/** A program that tells somebody of a change; run without a shell. */
export interface Command {
  /** The program and its arguments. */
  readonly words: readonly string[];
  /** Who runs it: "nobody", "nobody:nogroup"; undefined: who runs weir. */
  readonly user: string | undefined;
}

/** Undefined: nothing is run. */
export interface Notification {
  readonly up: Command | undefined;
  readonly down: Command | undefined;
}

/** Of one destination: it is healthy while all of its checks succeed; without a check always. */
export interface DestinationHealth {
  readonly checks: readonly Check[];
  /** What becomes of one that is not: taken out, or left in with weight 0 (inhibit_on_failure, quiescent). */
  readonly onFailure: "remove" | "quiesce";
  /** Unhealthy until its checks have succeeded once: alpha. */
  readonly startsDown: boolean;
  readonly notify: Notification;
}

/** Of one service. */
export interface ServiceHealth {
  /**
   * Services of one group have the same servers, in the same order, and are watched as one: each check is made once, and what it
   * finds is true of all. virtual_server_group. Undefined: it is watched by itself.
   */
  readonly group: string | undefined;
  /** Healthy while the weights of healthy destinations add up to `weight`: it is lost below `weight - hysteresis`, and won at `weight + hysteresis`. */
  readonly quorum: { readonly weight: number; readonly hysteresis: number; readonly notify: Notification };
  /** Stands in while the quorum is lost; undefined: nobody does. sorry_server, fallback. */
  readonly sorryServer: Destination | undefined;
  /** The sorry server stands in with its weight, else it is there always, with weight 0: sorry_server_inhibit. */
  readonly sorryServerQuiesced: boolean;
}
