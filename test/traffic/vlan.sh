#!/usr/bin/env bash
# A director whose clients come untagged and by VLAN 100, and whose server is in VLAN 200, by NAT; at each hook. Prints a line a hook and client: the bytes that it got.
#
#   vlan.sh WEIR        as root, where the kernel has VLAN devices; runs in network namespaces of its own
set -euo pipefail
weir="$1"
name="weir-vlan-$$"
state="$(mktemp -d)"
export WEIR_STATE="$state/state"
client="$name-c" director="$name-d" server="$name-s"
modprobe -q 8021q veth 2>/dev/null || true

clean() {
  ip netns exec "$director" "$weir" down >/dev/null 2>&1 || true
  [ -z "${http:-}" ] || kill "$http" 2>/dev/null || true
  for namespace in "$client" "$director" "$server"; do ip netns delete "$namespace" 2>/dev/null || true; done
  umount "$WEIR_STATE/bpf" 2>/dev/null || true
  rm -rf "$state"
}
trap clean EXIT

vlan() { # NAMESPACE DEVICE ID ADDRESS
  ip -n "$1" link add link "$2" name "$2.$3" type vlan id "$3"
  ip -n "$1" address add "$4" dev "$2.$3"
  ip -n "$1" link set "$2.$3" up
}

for namespace in "$client" "$director" "$server"; do
  ip netns add "$namespace"
  ip -n "$namespace" link set lo up
done
ip link add eth0 netns "$client" type veth peer name eth0 netns "$director"
ip link add eth0 netns "$server" type veth peer name eth1 netns "$director"
for device in "$client eth0" "$server eth0" "$director eth0" "$director eth1"; do
  set -- $device
  ip -n "$1" link set "$2" up
  ip netns exec "$1" ethtool -K "$2" tx off gro on >/dev/null
done
ip -n "$client" address add 10.2.0.2/24 dev eth0
ip -n "$director" address add 10.2.0.1/24 dev eth0
vlan "$client" eth0 100 10.0.0.2/24
vlan "$director" eth0 100 10.0.0.1/24
vlan "$director" eth1 200 10.1.0.1/24
vlan "$server" eth0 200 10.1.0.11/24
ip -n "$director" address add 10.0.0.100/32 dev eth0.100
ip -n "$director" address add 10.2.0.100/32 dev eth0
ip -n "$server" route add default via 10.1.0.1
ip netns exec "$director" sysctl -qw net.ipv4.ip_forward=1

ip netns exec "$server" node -e 'require("http").createServer((request, response) => response.end("x".repeat(100000))).listen(8080)' &
http=$!
for _ in $(seq 100); do
  ip netns exec "$server" bash -c '</dev/tcp/127.0.0.1/8080' 2>/dev/null && break
  sleep 0.2
done

for hook in tc xdp generic; do
  cat >"$state/weir.yaml" <<YAML
interfaces: [{ name: eth0, mode: $hook }, { name: eth1, mode: $hook }, eth0.100, eth1.200]
services:
  - { protocol: tcp, address: 10.0.0.100, port: 80, method: nat, destinations: [{ address: 10.1.0.11, port: 8080 }] }
  - { protocol: tcp, address: 10.2.0.100, port: 80, method: nat, destinations: [{ address: 10.1.0.11, port: 8080 }] }
YAML
  ip netns exec "$director" "$weir" apply "$state/weir.yaml" >/dev/null
  for vip in 10.0.0.100 10.2.0.100; do
    got="$(ip netns exec "$client" timeout 20 node -e 'fetch(process.argv[1]).then((answer) => answer.text()).then(({ length }) => console.log(length), ({ cause }) => console.log(cause.code))' "http://$vip/")"
    echo "$hook $vip $got"
  done
done
ip netns exec "$director" "$weir" status | sed -n 's/^tcp \([0-9.]*\):80  *[a-z]*  *\([0-9]*\).*/connections \1 \2/p'
