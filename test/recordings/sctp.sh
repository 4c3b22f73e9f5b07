#!/bin/bash
# Runs in a virtual machine with the real IPVS and the network of README.md ("topology.sh"); prints sctp.txt. SCTP, AH
# and ESP packets are made by raw sockets, of the client's namespace and of server r1's.
. "$ORACLE/topology.sh"
topo 1 >/dev/null 2>&1
natmode
warm
say() { echo; echo "## $*"; }
echo "# real IPVS $(uname -r): SCTP's states, its checksum, AH and ESP"

cat >/tmp/sctp.pl <<'PERL'
use strict; use warnings; use Socket;
use constant { SCTP => 132, UDP => 17, ICMP => 1, SETNS => 308 };
my %chunk = (DATA => 0, INIT => 1, INIT_ACK => 2, SACK => 3, HEARTBEAT => 4, HEARTBEAT_ACK => 5, ABORT => 6, SHUTDOWN => 7,
  SHUTDOWN_ACK => 8, ERROR => 9, COOKIE_ECHO => 10, COOKIE_ACK => 11, ECNE => 12, CWR => 13, SHUTDOWN_COMPLETE => 14, AUTH => 15,
  ASCONF => 193, I_DATA => 64);
my ($VIP, $C, $R1) = ("10.0.0.100", "10.0.0.2", "10.1.0.11");
sub enter { open(my $f, "<", "/run/netns/$_[0]") or die; syscall(SETNS, fileno($f), 0) == 0 or die "setns $!"; }
sub raw { my ($ns, $protocol) = @_; enter($ns); socket(my $s, AF_INET, SOCK_RAW, $protocol) or die "socket $!"; return $s; }
my %socket;
sub sock { my ($ns, $protocol) = @_; return $socket{"$ns $protocol"} //= raw($ns, $protocol); }
sub put { my ($ns, $protocol, $to, $bytes) = @_; send(sock($ns, $protocol), $bytes, 0, sockaddr_in(0, inet_aton($to))) or die "send $!"; }
sub settle { select(undef, undef, undef, $_[0] // 0.05); }
sub take { my ($ns, $protocol) = @_; my @all; while (defined recv(sock($ns, $protocol), my $bytes, 4096, MSG_DONTWAIT)) { push @all, $bytes; } return @all; }

# RFC 9260 appendix A, bit by bit.
sub crc { my $crc = 0xffffffff; for my $byte (unpack "C*", $_[0]) { $crc ^= $byte; for (1 .. 8) { $crc = $crc & 1 ? ($crc >> 1) ^ 0x82f63b78 : $crc >> 1; } } return $crc ^ 0xffffffff; }
sub sctp { my ($from, $to, $chunks, $wrong) = @_;
  my $packet = pack("nnNV", $from, $to, 0x12345678, 0) . $chunks;
  return pack("nnNV", $from, $to, 0x12345678, crc($packet) ^ ($wrong // 0)) . $chunks; }
# "COOKIE_ECHO+ABORT": bundled; "type 64": by number; "none": no chunk.
sub chunks { my ($text) = @_; return "" if $text eq "none";
  return join "", map { my $type = /^type (\d+)$/ ? $1 : $chunk{$_}; die "chunk $_" unless defined $type; my $body = $_ eq "COOKIE_ECHO" ? "cookie" : "body"; my $length = 4 + length $body;
    pack("CCn", $type, 0, $length) . $body . "\0" x (-$length & 3) } split /\+/, $text; }

my $port = 20000;
sub mapped { return $_[0] == 81 || $_[0] == 85 ? $_[0] : 8000 + $_[0]; }
sub table { enter("d"); my %state; open(my $f, "<", "/proc/net/ip_vs_conn") or die;
  while (my $line = <$f>) { my ($protocol, undef, $from, undef, $to, undef, undef, $state, $expires) = split " ", $line; $state{hex $from} = "$state $expires" if $protocol eq "SCTP"; } return \%state; }
# A walk: chunks one after the other, of a client port of its own; r: from the server.
sub walks { my ($service, @walks) = @_; my $server = mapped($service);
  while (my @batch = splice @walks, 0, 12) { my @ports;
    for my $walk (@batch) { my $from = $port++; push @ports, $from;
      for my $one (split / /, $walk =~ s/type (\d+)/type_$1/gr) { $one =~ s/_(\d+)/ $1/ if $one =~ /type_/;
        if ($one =~ s/^r://) { put("r1", SCTP, $C, sctp($server, $from, chunks($one))); } else { put("c", SCTP, $VIP, sctp($from, $service, chunks($one))); } } }
    settle(); my $state = table();
    for (0 .. $#batch) { print "[$service] $batch[$_] -> ", $state->{$ports[$_]} // "", "\n"; }
    take($_, SCTP) for "c", "r1"; } }

my @EVENTS = qw(DATA INIT INIT_ACK COOKIE_ECHO COOKIE_ACK SHUTDOWN SHUTDOWN_ACK SHUTDOWN_COMPLETE ERROR ABORT);
sock("c", SCTP); sock("r1", SCTP);
my $mode = shift;
$port = { states => 20000, "client-only" => 21000, first => 22000, chunks => 23000, again => 24000 }->{$mode} // $port;
$port += 500 if @ARGV && $ARGV[0] eq "more";
if ($mode eq "states") {
  my %way = (INIT1 => "INIT", INIT => "INIT INIT", COOKIE_SENT => "INIT r:INIT_ACK", COOKIE_REPLIED => "INIT r:INIT_ACK COOKIE_ECHO", COOKIE_WAIT => "INIT r:INIT",
    COOKIE => "INIT r:INIT INIT_ACK", COOKIE_ECHOED => "INIT r:COOKIE_ECHO", ESTABLISHED => "INIT r:COOKIE_ACK", SHUTDOWN_SENT => "INIT r:COOKIE_ACK r:SHUTDOWN",
    SHUTDOWN_RECEIVED => "INIT r:COOKIE_ACK SHUTDOWN", SHUTDOWN_ACK_SENT => "INIT r:SHUTDOWN_ACK", REJECTED => "INIT r:ABORT", CLOSED => "INIT ABORT");
  my @states = qw(INIT1 INIT COOKIE_SENT COOKIE_REPLIED COOKIE_WAIT COOKIE COOKIE_ECHOED ESTABLISHED SHUTDOWN_SENT SHUTDOWN_RECEIVED SHUTDOWN_ACK_SENT REJECTED CLOSED);
  walks(80, map { my $way = $way{$_}; $way, map { ("$way $_", "$way r:$_") } @EVENTS } @states);
} elsif ($mode eq "client-only") {
  walks(81, map { my $way = $_; $way, map { "$way $_" } @EVENTS } "INIT", "INIT INIT", "INIT INIT_ACK", "INIT COOKIE_ACK INIT COOKIE_ECHO", "INIT INIT COOKIE_ECHO", "INIT INIT COOKIE_ECHO SHUTDOWN", "INIT ABORT");
} elsif ($mode eq "first") { walks($_, @EVENTS, "SACK", "type 64", "none", "COOKIE_ECHO+ABORT", "ABORT+INIT", "INIT+ABORT") for 80, 81; }
elsif ($mode eq "chunks") {
  walks(80, map { ("INIT r:INIT_ACK COOKIE_ECHO r:COOKIE_ACK $_", "INIT r:INIT_ACK $_") } qw(SACK HEARTBEAT HEARTBEAT_ACK ECNE CWR AUTH ASCONF I_DATA), "type 15", "type 16", "type 255", "none",
    qw(COOKIE_ECHO+ABORT COOKIE_ACK+ABORT COOKIE_ECHO+DATA DATA+ABORT ERROR+ABORT COOKIE_ECHO+ERROR+ABORT r:COOKIE_ACK+ABORT r:ERROR+ABORT));
} elsif ($mode eq "again") { walks($_, "INIT ABORT INIT", "INIT r:ABORT INIT", "INIT r:COOKIE_ACK INIT") for 80, 81; }
elsif ($mode eq "walk") { my ($service, $first, @chunks) = @ARGV; $port = $first; my $server = mapped($service);
  for (@chunks) { my $one = $_; if ($one =~ s/^r://) { put("r1", SCTP, $C, sctp($server, $port, chunks($one))); } else { put("c", SCTP, $VIP, sctp($port, $service, chunks($one))); } } settle(); }
elsif ($mode eq "checksum") {
  for my $service (80, 85) { for my $wrong (0, 1) {
    put("c", SCTP, $VIP, sctp(30000 + $wrong, $service, chunks("INIT"), $wrong)); settle();
    for (take("r1", SCTP)) { my $packet = substr $_, 20; my ($from, $to, undef, $found) = unpack "nnNV", $packet; substr($packet, 8, 4) = "\0" x 4;
      printf "[%d] sent with a %s checksum, the server gets ports %d %d and a %s one\n", $service, $wrong ? "wrong" : "right", $from, $to, $found == crc($packet) ? "right" : "wrong"; } } }
} elsif ($mode eq "refused") { sock("c", ICMP); put("c", SCTP, $VIP, sctp(30010, 82, chunks("INIT"))); settle(0.2); print "INIT to a service without servers: ICMP ", join(" ", map { sprintf "type %d code %d", unpack "x20 CC", $_ } take("c", ICMP)), "\n"; }
elsif ($mode eq "error") {
  sock("r1", ICMP); sock("c", ICMP); take($_, ICMP) for "c", "r1"; my ($protocol, $port, $mapped) = @ARGV;
  my $quote = sub { my ($from, $to, $first, $second) = @_; pack("CCnnnCCna4a4", 0x45, 0, 48, 7, 0x4000, 60, $protocol, 0, inet_aton($from), inet_aton($to)) . pack("nnNN", $first, $second, 0x11223344, 0x55667788) };
  my $error = sub { my $message = pack("CCnN", 3, 4, 0, 1200) . $_[0]; my $sum = 0; $sum += $_ for unpack "n*", $message; $sum = ($sum & 0xffff) + ($sum >> 16) for 1, 2; substr($message, 2, 2) = pack "n", ~$sum & 0xffff; $message };
  put("c", ICMP, $VIP, $error->($quote->($VIP, $C, $port, 30020))); put("r1", ICMP, $C, $error->($quote->($C, $R1, 30020, $mapped))); settle(0.2);
  for my $ns ("r1", "c") { print "$ns gets ", unpack("H*", substr $_, 12), "\n" for grep { (unpack "x20 C", $_)[0] == 3 } take($ns, ICMP); } }
elsif ($mode eq "ipsec") { my ($protocol, $ns, $to) = @ARGV; sock($_, $protocol) for "c", "r1"; put($ns, $protocol, $to, pack("NNN", 0x1001, 1, 0xdeadbeef)); settle(0.2);
  for my $at ("r1", "c") { print "$at gets ", join(".", unpack "x12 C4", $_), " > ", join(".", unpack "x16 C4", $_), " ", unpack("H*", substr $_, 20), "\n" for take($at, $protocol); } }
elsif ($mode eq "isakmp") { my ($ns, $from, $to) = @ARGV; sock($_, UDP) for "c", "r1"; put($ns, UDP, $to, pack("nnnn", 500, 500, 8, 0)); settle(0.1); }
PERL
sctp() { perl /tmp/sctp.pl "$@" 2>&1; }
sysctls() { d bash -c "for one in $*; do echo \${one#*=} >/proc/sys/net/ipv4/vs/\${one%%=*}; done"; }

nat() { vs -A --sctp-service $VIP:$1 -s rr "${@:2}"; vs -a --sctp-service $VIP:$1 -r 10.1.0.11:80$1 -m; }
count() { echo "\$ ipvsadm -Ln --sctp-service $VIP:$1"; vs -Ln --sctp-service $VIP:$1; echo "\$ ipvsadm -Lnc, of $VIP:$1"; vs -Lnc | grep "$VIP:$1 "; }
nat 80
vs -A --sctp-service $VIP:81 -s rr; vs -a --sctp-service $VIP:81 -r 10.1.0.11:81 -g
say "states: the chunks of a walk, its state in the end and the seconds left. r: = from the server. [80] is a NAT service, [81] a DR service"
sctp states
sctp client-only
say "chunks that begin a connection"
sctp first
say "the same with sloppy_sctp=1"
sysctls sloppy_sctp=1; sctp first more; sysctls sloppy_sctp=0
say "other chunks, and bundled ones"
sctp chunks
say "a client that uses its port again"
sctp again
say "the same with conn_reuse_mode=0"
sysctls conn_reuse_mode=0; sctp again more; sysctls conn_reuse_mode=1
say "active and inactive"
nat 83
sctp walk 83 31000 INIT; count 83
sctp walk 83 31000 r:INIT_ACK COOKIE_ECHO; count 83
sctp walk 83 31000 r:COOKIE_ACK; count 83
sctp walk 83 31000 SHUTDOWN; count 83
sctp walk 83 31000 ABORT; count 83
echo "\$ ipvsadm -Sn"; vs -Sn
say "persistence"
nat 84 -p 100
sctp walk 84 32000 INIT; count 84
sctp walk 84 32000 r:INIT_ACK COOKIE_ECHO r:COOKIE_ACK; count 84
say "the checksum: where the port changes, and where it does not"
vs -A --sctp-service $VIP:85 -s rr; vs -a --sctp-service $VIP:85 -r 10.1.0.11:85 -m
sctp checksum
say "no server"
vs -A --sctp-service $VIP:82 -s rr
sctp refused
say "errors about packets of SCTP: from the client's side and the server's; from the sender's address on"
sctp walk 80 30020 INIT r:INIT_ACK
sctp error 132 80 8080
say "AH and ESP: nothing before there is a connection of UDP by port 500"
vs -A -u $VIP:500 -s rr; vs -a -u $VIP:500 -r 10.1.0.11:500 -m
for p in 51 50; do sctp ipsec $p c $VIP; done
vs -Ln -u $VIP:500
say "by NAT"
isakmp() { vs -Lnc | grep UDP; }
sctp isakmp c 10.0.0.2 $VIP; sleep 3; isakmp
for p in 51 50; do echo "protocol $p"; sctp ipsec $p c $VIP; sctp ipsec $p r1 10.0.0.2; done
isakmp
sleep 3; vs -Ln --stats -u $VIP:500
say "errors about ESP by NAT"
sctp error 50 500 500
say "by DR"
vs -A -u 10.0.0.101:500 -s rr; vs -a -u 10.0.0.101:500 -r 10.1.0.11:500 -g
d ip addr add 10.0.0.101/32 dev eth0; r 1 ip addr add 10.0.0.101/32 dev lo
sctp isakmp c 10.0.0.2 10.0.0.101; sctp ipsec 50 c 10.0.0.101; isakmp
clean >/dev/null 2>&1
