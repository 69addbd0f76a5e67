#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Records what nft(8) prints for each of these rulesets, for test_local_rules.c:

    sudo unshare -n ./record.py > nft.recorded
"""

import subprocess

OUTPUT = "type filter hook output priority 0;"

CASES = {
    "drop": f"table inet t {{ chain o {{ {OUTPUT}\n tcp dport 25 counter log prefix \"25 \" drop "
            "comment \"no # handle 7 mail\"\n}; }",
    "reject": f"table inet t {{ chain o {{ {OUTPUT} ct state new tcp flags & (fin|syn|rst|ack) == syn "
              "tcp dport smtp reject with tcp reset; }; }",
    "open": f"""table inet t {{ chain o {{ {OUTPUT}
        ct state invalid drop
        tcp flags & (fin|syn|rst|ack) != syn ct state new drop
        oif lo tcp dport 25 drop
        tcp dport 465 drop
        tcp dport 26-30 drop
        tcp dport > 25 drop
        udp dport 25 drop
        icmp type echo-request drop
        meta l4proto udp drop
        ip daddr 192.0.2.1 drop
        meta skuid 1 drop
        tcp sport 25 drop
        tcp dport != 25 drop
        }}; chain i {{ type filter hook input priority 0; policy drop; tcp dport 25 drop; }}; }}""",
    "established": f"""table ip t {{ chain o {{ {OUTPUT} policy drop;
        ct state established,related accept
        oifname "lo" accept
        tcp dport {{ 80, 443 }} accept
        }}; }}""",
    "accepted": f"""table inet t {{ chain o {{ {OUTPUT} policy drop;
        tcp dport {{ 25, 80 }} accept
        tcp dport 25 drop
        }}; }}""",
    "jumps": f"""table inet t {{
        set ports {{ type inet_service; flags interval; elements = {{ 20-30, 465 }}; }}
        chain blocked {{ meta skuid != 101 drop; }}
        chain mail {{ meta nfproto ipv4 return
            tcp dport @ports goto blocked; }}
        chain o {{ {OUTPUT} ip6 nexthdr tcp jump mail
            ip protocol tcp jump mail; }}; }}""",
    "sets": f"""table inet t {{
        set named {{ type inet_service; elements = {{ 80, 443 }}; }}
        chain a {{ {OUTPUT} tcp dport {{ 25, 465 }} drop; }}
        chain b {{ {OUTPUT} tcp dport 20-30 drop; }}
        chain c {{ {OUTPUT} tcp dport != {{ 80, 443 }} drop; }}
        chain d {{ {OUTPUT} tcp dport != @named drop; }}
        chain e {{ {OUTPUT} tcp dport <= 25 drop; }}
        chain f {{ {OUTPUT} meta l4proto tcp th dport 25 drop; }}
        chain g {{ {OUTPUT} ip daddr . tcp dport {{ 192.0.2.1 . 25 }} drop; }}
        chain h {{ {OUTPUT} ip daddr . tcp dport {{ 192.0.2.1 . 587 }} drop; }}
        chain i {{ {OUTPUT} tcp dport @named drop; }}
        }}""",
    "maps": f"""table inet t {{
        map verdicts {{ type inet_service : verdict; elements = {{ 25 : drop, 587 : accept }}; }}
        chain mail {{ drop; }}
        chain a {{ {OUTPUT} tcp dport vmap {{ 25 : jump mail, 26 : accept }}; }}
        chain b {{ {OUTPUT} tcp dport vmap @verdicts; }}
        chain c {{ {OUTPUT} ct state vmap {{ established : accept, new : jump mail }}; }}
        }}""",
    "users": f"""table inet t {{
        chain a {{ {OUTPUT} tcp dport 25 meta skuid {{ 0, 101 }} accept
            tcp dport 25 drop; }}
        chain b {{ {OUTPUT} tcp dport 25 meta skgid != 8 drop; }}
        }}""",
    "conditions": f"""table inet t {{
        chain a {{ {OUTPUT} oifname "eth1" tcp dport 25 drop; }}
        chain b {{ {OUTPUT} ip daddr != 10.0.0.0/8 tcp dport 25 drop; }}
        chain c {{ {OUTPUT} limit rate 10/second tcp dport 25 drop; }}
        chain d {{ {OUTPUT} tcp dport 25 reject with icmp type admin-prohibited; }}
        chain e {{ {OUTPUT} tcp dport 25 reject with icmpv6 type admin-prohibited; }}
        chain f {{ {OUTPUT} ip daddr 10.0.0.0/8 accept
            drop; }}
        }}""",
    "hooks": f"""table inet t {{
        chain p {{ type filter hook postrouting priority 0; tcp dport 25 drop; }}
        chain f {{ type filter hook forward priority 0; policy drop; }}
        }}
        table netdev n {{ chain e {{ type filter hook egress device lo priority 0; tcp dport 25 drop; }};
        }}""",
    "firewalld": """table inet firewalld { chain filter_OUT_policy { tcp dport 25 reject with icmpx \
        type admin-prohibited; }
        chain filter_OUTPUT { type filter hook output priority 10; policy accept; ct state \
        established,related accept
        oifname "lo" accept
        jump filter_OUT_policy; }; }""",
}


def nft(*arguments, **options):
    return subprocess.run(["nft", *arguments], check=True, text=True, stdout=subprocess.PIPE,
                          **options).stdout


for name, ruleset in CASES.items():
    nft("-f", "-", input=f"flush ruleset\n{ruleset}\n")
    print(f"== {name}\n{nft('-j', 'list', 'ruleset').strip()}\n{nft('-a', 'list', 'ruleset')}", end="")
