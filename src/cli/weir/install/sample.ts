// The first /etc/weir/weir.yaml: right as it stands, with no service yet, and right with its comments' marks taken away.

export const sampleConfiguration = (packageFolder: string): string => `# yaml-language-server: $schema=${packageFolder}/docs/weir.schema.json
# What this director does: man weir.yaml. Samples for NAT, DR and TUN are in ${packageFolder}/docs/examples
#   weir plan /etc/weir/weir.yaml     what would change
#   systemctl reload weir             makes it so

# Where packets are taken. Left out: every Ethernet interface that is up.
#interfaces: [eth0, eth1]

services: []
#services:
#  - protocol: tcp
#    address: 10.0.0.100:80
#    interface: eth0
#    scheduler: wrr
#    method: nat
#    checks:
#      - type: http
#        path: /
#    destinations:
#      - address: 192.168.1.11:8080
#      - address: 192.168.1.12:8080
#        weight: 3
`;
