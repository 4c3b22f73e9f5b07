#!/bin/bash
# Runs in a virtual machine with two processors, the real IPVS and the network of README.md ("topology.sh"); prints proc.txt.
. "$ORACLE/topology.sh"
topo 2 >/dev/null 2>&1
natmode
warm
modprobe -a ip_vs_pe_sip 2>/dev/null
echo "# real IPVS $(uname -r): /proc/net/ip_vs and its siblings"

FILES="ip_vs ip_vs_app ip_vs_conn ip_vs_conn_sync ip_vs_stats ip_vs_stats_percpu"
show() { echo "\$ cat /proc/net/$1"; d cat /proc/net/$1; }
# The seconds left are another number at any moment: until both lists were read within one second.
connections() {
  local before= after=
  until before=$(d cat /proc/net/ip_vs_conn); list=$(v -Lnc --persistent-conn); sync=$(show ip_vs_conn_sync); after=$(d cat /proc/net/ip_vs_conn); [ "$before" = "$after" ]; do :; done
  echo "\$ cat /proc/net/ip_vs_conn"; echo "$before"; echo "$sync"; echo "$list"
}

say "nothing configured"
for file in $FILES; do show $file; done

say "services of every kind"
v -A -t $VIP:80 -s wrr
v -a -t $VIP:80 -r 10.1.0.11:8080 -m -w 1
v -a -t $VIP:80 -r 10.1.0.12:8080 -m -w 65535
v -A -u $VIP:5353 -s rr -o
v -a -u $VIP:5353 -r 10.1.0.11:5353 -m
v -A -u 255.255.255.254:65535 -s sh -b sh-port -p 86400 -M 255.255.0.0 -o
v -A --sctp-service 1.2.3.4:9 -s mh -b mh-fallback,mh-port
v -a --sctp-service 1.2.3.4:9 -r 10.1.0.11 -i -w 2147483647
v -A -t $VIP:443 -s wlc -p
v -a -t $VIP:443 -r 10.1.0.11 -g -w 0
v -a -t $VIP:443 -r fd00:1::11 -i --tun-type gue --tun-port 6080
v -A -u $VIP:5060 -s rr -p 60 --pe sip
v -A -u [$VIP6]:53 -s lblcr -o
v -A -t [$VIP6]:80 -s lblcr
v -a -t [$VIP6]:80 -r [fd00:1::11]:80 -m -w 100
v -a -t [$VIP6]:80 -r [fd00:1::12]:80 -g -w 123456789
v -A -u [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:53 -s rr -p 300 -M 64
v -A -f 7 -s rr -o
v -a -f 7 -r 10.1.0.11 -m
v -A -f 3000000000 -s wrr -p 600 -M 255.255.255.0
v -A -f 1 -6 -s rr -p 60
v -a -f 1 -6 -r fd00:1::11 -i
show ip_vs
v -C

say "connections"
v -A -t $VIP:80 -s rr
v -a -t $VIP:80 -r 10.1.0.11:8080 -m
v -A -t $VIP:5000 -s rr -p 100 -M 255.255.255.0
v -a -t $VIP:5000 -r 10.1.0.12:5000 -m
v -A -u $VIP:80 -s rr
v -a -u $VIP:80 -r 10.1.0.11:80 -m
v -A -u $VIP:5060 -s rr -p 200 --pe sip
v -a -u $VIP:5060 -r 10.1.0.11:5060 -m
v -A -f 7 -s rr -p 300
v -a -f 7 -r 10.1.0.11 -m
v -A -t [$VIP6]:80 -s rr
v -a -t [$VIP6]:80 -r [fd00:1::11]:8080 -m
v -A -t [$VIP6]:8080 -s rr -p 90
v -a -t [$VIP6]:8080 -r [fd00:1::12]:8080 -m
seq_tcp 5 10.0.0.2@20000 $VIP/80 >/dev/null
seq_tcp 1 10.0.0.2@21000 $VIP/5000 >/dev/null
seq_udp 2 10.0.0.2@22000 $VIP/80 >/dev/null
seq_tcp 2 fd00::2@23000 $VIP6/80 >/dev/null
seq_tcp 1 fd00::2@24000 $VIP6/8080 >/dev/null
c bash -c "printf 'OPTIONS sip:a SIP/2.0\r\nCall-ID: weir-1@10.0.0.2\r\n\r\n' | cat >/dev/udp/$VIP/5060"
c bash -c "(sleep 0.2) >/dev/tcp/$VIP/80" &
d iptables -t mangle -A PREROUTING -p tcp -d $VIP --dport 8080 -j MARK --set-mark 7 2>/dev/null || d nft -f - <<<"table ip m { chain p { type filter hook prerouting priority mangle; tcp dport 8080 ip daddr $VIP meta mark set 7; }; }"
seq_tcp 1 10.0.0.2@25000 $VIP/8080 >/dev/null
connections

say "statistics: right after, once estimated, zeroed, and with nothing left"
show ip_vs_stats
show ip_vs_stats_percpu
for i in 1 2 3; do seq_tcp 300 10.0.0.2@3000$i $VIP/80 >/dev/null; done
sleep 2
d cat /proc/net/ip_vs_stats >/dev/null
until a=$(show ip_vs_stats); b=$(show ip_vs_stats_percpu); [ "$a" = "$(show ip_vs_stats)" ]; do :; done; echo "$a"; echo "$b"
v -Ln --stats -t $VIP:80
v -Z -t $VIP:80
show ip_vs_stats
v -Z
show ip_vs_stats
show ip_vs_stats_percpu
seq_tcp 3 10.0.0.2@28000 $VIP/80 >/dev/null
sleep 3
show ip_vs_stats
v -C
sleep 3
show ip_vs_stats
show ip_vs_stats_percpu
say "FTP"
modprobe ip_vs_ftp
show ip_vs_app
v -A -t $VIP:21 -s rr
v -a -t $VIP:21 -r 10.1.0.11:80 -m
v -A -t [$VIP6]:21 -s rr
v -a -t [$VIP6]:21 -r [fd00:1::11]:80 -m
seq_tcp 2 10.0.0.2@31000 $VIP/21 >/dev/null
seq_tcp 1 fd00::2@31000 $VIP6/21 >/dev/null
show ip_vs_app
clean >/dev/null 2>&1
