import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "#model/director.js";
import { connectionHeading, formatConnection } from "./connections.js";
import { numericEndpoint } from "./endpoint.js";

// The lines are the real ipvsadm's: recordings/connections.txt, and its answer to the same entries in IPv6.

const connection: Connection = {
  protocol: "tcp", state: "TIME_WAIT", expiresSeconds: 119, forward: "masq", client: { address: "10.0.0.50", port: 47001 },
  virtual: { address: "10.0.0.100", port: 90 }, destination: { address: "10.1.0.13", port: 80 },
};
const format = (changes: Partial<Connection>, withData = false) => formatConnection({ ...connection, ...changes }, withData, numericEndpoint);

test("a connection is one line under the heading", () => {
  assert.equal(connectionHeading(false), "IPVS connection entries\npro expire state       source             virtual            destination\n");
  assert.equal(format({}), "TCP 01:59  TIME_WAIT   10.0.0.50:47001    10.0.0.100:90      10.1.0.13:80\n");
});

test("the template of a firewall mark is of protocol IP", () => {
  const changes: Partial<Connection> = {
    protocol: "ip", state: "NONE", expiresSeconds: 99, forward: "masq", client: { address: "10.0.0.57", port: 0 }, virtual: { address: "0.0.0.9", port: 0 }, destination: { address: "10.1.0.13", port: 0 },
  };
  assert.equal(format(changes), "IP  01:39  NONE        10.0.0.57:0        0.0.0.9:0          10.1.0.13:0\n");
});

test("IPv6 addresses stand in brackets, however wide", () => {
  const changes: Partial<Connection> = {
    expiresSeconds: 117, forward: "masq", client: { address: "fd00::2", port: 20000 }, virtual: { address: "fd00::100", port: 80 }, destination: { address: "fd00:1::12", port: 80 },
  };
  assert.equal(format(changes), "TCP 01:57  TIME_WAIT   [fd00::2]:20000    [fd00::100]:80     [fd00:1::12]:80\n");
});

test("--persistent-conn adds the persistence engine's data where there are any", () => {
  assert.match(connectionHeading(true), / destination        pe name          pe_data\n$/);
  assert.equal(format({}, true), format({}));
  const template: Partial<Connection> = {
    protocol: "udp", state: "NONE", expiresSeconds: 57, forward: "masq", client: { address: "10.0.0.2", port: 0 }, virtual: { address: "10.0.0.100", port: 5060 },
    destination: { address: "10.1.0.11", port: 5060 }, persistenceData: { engine: "sip", text: "12345678901234567890@example.com" },
  };
  assert.equal(format(template, true), "UDP 00:57  NONE        10.0.0.2:0         10.0.0.100:5060    10.1.0.11:5060   sip                12345678901234567890@example.com\n");
});
