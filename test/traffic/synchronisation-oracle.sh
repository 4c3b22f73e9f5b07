# In the guest of a machine with the real IPVS, whose topology.sh makes the network: IPVS in d tells weir in r2 of connections, or weir tells IPVS.
# $1: "to-weir" or "to-ipvs"; "shifts": messages that weir wrote (from $3 on, in hexadecimal), of an FTP
# connection's sequence numbers, to IPVS, and bare packets behind each. $2: the folder on the host that has weir's programs, compiled for this kernel.
# Lines that begin with "SEEN" are what test/traffic/synchronisation-oracle.long.test.ts compares.
. "$ORACLE/topology.sh"
topo 3
ip -n r1 link set eth1 down; ip -n r1 route replace default via 10.1.0.1
warm
ip -n sw link set ext type bridge mcast_snooping 0
WEIR=$PWD/bin
cp -r "/host$2" /tmp/weir-cache
w() { WEIR_STATE=/tmp/weir WEIR_CACHE=/tmp/weir-cache in_ns r2 node "$WEIR/ipvsadm" "$@"; }
# Under emulation the kernel may take longer with the programs than a command waits for them; the daemon goes on with it.
start() { for _ in 1 2 3 4 5; do w --start-daemon $1 --mcast-interface eth1 --syncid $2; w -L --daemon | grep -q $1 && return; done; echo "SEEN no $1"; }
until_seen() { for _ in $(seq 12); do "${@:2}" | grep -q "$1" && break; sleep 0.5; done; "${@:2}"; }

to_weir() {
  told() { WEIR_STATE=/tmp/weir in_ns r2 node "$WEIR/weir" proc ip_vs_conn_sync | sed 's/ *[0-9]*$//' | sort; }
  vs -A -t $VIP:80 -s rr -p 100; vs -a -t $VIP:80 -r 10.1.0.11:8080 -m
  w -A -t $VIP:80 -s rr -p 100; w -a -t $VIP:80 -r 10.1.0.11:8080 -m
  start backup 7
  vs --start-daemon master --mcast-interface eth0 --syncid 7
  for version in 1 0; do
    d sysctl -qw net.ipv4.vs.sync_version=$version
    c "$TRAFFIC" seq tcp close 1 10.0.0.2@2000$version $VIP/80 >/dev/null
    until_seen "4E2$version .*TIME_WAIT" told | grep SYNC | sed "s/^/SEEN version $version: /"
  done
}

# Of a service by DR that weir alone forwards.
to_ipvs() {
  OTHER=10.0.0.200
  c ip route add $OTHER via 10.0.0.12
  w -A -u $OTHER:5000 -s rr -p 100; w -a -u $OTHER:5000 -r 10.0.0.13 -g
  vs -A -u $OTHER:5000 -s rr -p 100; vs -a -u $OTHER:5000 -r 10.0.0.13 -g
  vs --start-daemon backup --mcast-interface eth0 --syncid 9
  start master 9
  known() { d cat /proc/net/ip_vs_conn_sync | sed 's/ *[0-9]*$//' | grep SYNC | sort; }
  for version in 1 0; do
    WEIR_STATE=/tmp/weir in_ns r2 node "$WEIR/weir" sysctl sync_version=$version >/dev/null
    c bash -c "exec 3<>/dev/udp/$OTHER/5000; for i in 1 2 3 4 5; do echo x >&3; sleep 0.1; done"
    # By their state, which templates do not have: they may come before their connections. That of version 1 stands beside that of version 0.
    for _ in $(seq 60); do [ "$(known | grep -c "UDP  *SYNC")" -eq $((2 - version)) ] && break; sleep 0.5; done
    known | sed "s/0A000002 [0-9A-F]* 0A0000C8 1388 0A00000D 1388 UDP/0A000002 PORT 0A0000C8 1388 0A00000D 1388 UDP/; s/^/SEEN version $version: /"
  done
}

# The packets' own numbers are 1000 and 2000; either end answers with a reset, which is not looked at.
shifts() {
  modprobe ip_vs_ftp
  vs -A -t $VIP:21 -s rr; vs -a -t $VIP:21 -r 10.1.0.11:21 -m
  vs --start-daemon backup --mcast-interface eth0 --syncid 7
  c ip route add 224.0.0.0/4 dev eth0
  for message; do
    # As one datagram: a line's end, which is also a 10 of an address, may end what a shell writes at once.
    c bash -c "printf '$(sed 's/../\\x&/g' <<<"$message")' | dd bs=2000 iflag=fullblock status=none >/dev/udp/224.0.0.81/8848"
    until_seen "7530 .*ESTABLISHED" d cat /proc/net/ip_vs_conn_sync >/dev/null
    rm -f /tmp/client-hears /tmp/server-hears
    c timeout 60 tcpdump -vvSnnQ in -c 1 -i eth0 "tcp and src port 21 and tcp[13] = 24" >/tmp/to-client 2>/tmp/client-hears & local client=$!
    r 1 timeout 60 tcpdump -vvSnnQ in -c 1 -i eth0 "tcp and dst port 21 and tcp[13] = 24" >/tmp/to-server 2>/tmp/server-hears & local server=$!
    until_seen listening cat /tmp/client-hears >/dev/null 2>&1; until_seen listening cat /tmp/server-hears >/dev/null 2>&1
    r 1 "$TRAFFIC" raw 10.1.0.11 10.0.0.2 21 30000 64 24
    c "$TRAFFIC" raw 10.0.0.2 $VIP 30000 21 64 24
    wait $client $server
    echo "SEEN $(grep -o 'seq [0-9]*' /tmp/to-client) to the client, $(grep -o 'ack [0-9]*' /tmp/to-server) to the server"
  done
}

case $1 in to-weir) to_weir ;; to-ipvs) to_ipvs ;; shifts) shifts "${@:3}" ;; esac
