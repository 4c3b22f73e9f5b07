# In the guest of a machine with the real IPVS, whose topology.sh makes the network: weir and IPVS tell each other of connections, both ways.
# Lines that begin with "SEEN" are what test/traffic/synchronisation-oracle.long.test.ts compares.
. "$ORACLE/topology.sh"
topo 3
ip -n r1 link set eth1 down; ip -n r1 route replace default via 10.1.0.1
warm
ip -n sw link set ext type bridge mcast_snooping 0
WEIR=$PWD/bin
w() { WEIR_STATE=/tmp/weir WEIR_CACHE=/tmp/weir-cache in_ns r2 node "$WEIR/ipvsadm" "$@"; }
told() { WEIR_STATE=/tmp/weir in_ns r2 node "$WEIR/weir" proc ip_vs_conn_sync | sed 's/ *[0-9]*$//' | sort; }
until_seen() { for _ in $(seq 40); do "${@:2}" | grep -q "$1" && break; sleep 0.5; done; "${@:2}"; }

# IPVS in d tells weir in r2.
vs -A -t $VIP:80 -s rr -p 100; vs -a -t $VIP:80 -r 10.1.0.11:8080 -m
w -A -t $VIP:80 -s rr -p 100; w -a -t $VIP:80 -r 10.1.0.11:8080 -m
w --start-daemon backup --mcast-interface eth1 --syncid 7 || echo "SEEN no backup"
vs --start-daemon master --mcast-interface eth0 --syncid 7
for version in 1 0; do
  d sysctl -qw net.ipv4.vs.sync_version=$version
  c "$TRAFFIC" seq tcp close 1 10.0.0.2@2000$version $VIP/80 >/dev/null
  until_seen "4E2$version .*TIME_WAIT" told | grep SYNC | sed "s/^/SEEN version $version: /"
done
vs --stop-daemon master
w --stop-daemon backup

# weir in r2 tells IPVS in d: of a service by DR that weir alone forwards.
OTHER=10.0.0.200
c ip route add $OTHER via 10.0.0.12
w -A -u $OTHER:5000 -s rr -p 100; w -a -u $OTHER:5000 -r 10.0.0.13 -g
vs -A -u $OTHER:5000 -s rr -p 100; vs -a -u $OTHER:5000 -r 10.0.0.13 -g
vs --start-daemon backup --mcast-interface eth0 --syncid 9
w --start-daemon master --mcast-interface eth1 --syncid 9 || echo "SEEN no master"
known() { d cat /proc/net/ip_vs_conn_sync | sed 's/ *[0-9]*$//' | grep SYNC | sort; }
for version in 1 0; do
  WEIR_STATE=/tmp/weir in_ns r2 node "$WEIR/weir" sysctl sync_version=$version >/dev/null
  c bash -c "exec 3<>/dev/udp/$OTHER/5000; for i in 1 2 3 4 5; do echo x >&3; sleep 0.1; done" 
  until_seen "UDP " known | sed "s/0A000002 [0-9A-F]* 0A0000C8/0A000002 PORT 0A0000C8/" | sed "s/^/SEEN by IPVS, version $version: /"
done
vs -Ln | grep -A1 $OTHER | sed 's/^/SEEN /'
w --stop-daemon master
WEIR_STATE=/tmp/weir in_ns r2 node "$WEIR/weir" down >/dev/null
clean
