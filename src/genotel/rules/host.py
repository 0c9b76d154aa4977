"""Alerts on the machine: the thresholds of [alerts], and what will be full soon."""

from __future__ import annotations

from genotel.promql import alert_queries as q
from genotel.rules.rule import Alert, Group, Severity
from genotel.semconv import dashboard_names as d

_DISK_STEPS = (
    "`genotel recommend`: which models can be deleted, and what does it free?",
    "`du -xh --max-depth=2 MOUNTPOINT | sort -h | tail`.",
    "old logs, caches of downloads, containers: `docker system df`.",
)
GROUP = Group(
    "host",
    "host",
    "Processors, memory, disks and network of the machines.",
    (
        Alert(
            "GenotelCpuHigh",
            q.CPU_HIGH,
            Severity.WARNING,
            "The processors of a machine are busy.",
            "The processors of <instance> were busy <percent> of 10 minutes.",
            (
                "`top -o %CPU`: which program?",
                "is it preprocessing, decoding, or a model that fell back from its GPU?",
                "fewer workers, or move work to another machine.",
            ),
            "Preprocessing and saving slow down; GPUs wait for data.",
            (d.HOST, "Processors"),
            hold="5m",
            keep="5m",
        ),
        Alert(
            "GenotelMemoryHigh",
            q.MEMORY_HIGH,
            Severity.WARNING,
            "A machine is short of memory.",
            "<percent> of the memory of <instance> is in use.",
            (
                "`ps aux --sort=-rss | head`: which program?",
                "models held in memory for offloading? Fewer of them, or the plain kind.",
                "restart a program that grows from call to call.",
            ),
            "The system will kill a program before long, most likely the one with the models.",
            (d.HOST, "Memory"),
            hold="5m",
            keep="5m",
        ),
        Alert(
            "GenotelSwapping",
            q.SWAPPING,
            Severity.WARNING,
            "A machine reads memory back from swap.",
            "<instance> reads <bytes>B from swap each second.",
            (
                "`vmstat 1 5`: is it still going on?",
                "`ps aux --sort=-rss | head`: which program?",
                "stop what is not needed, then restart what was swapped out.",
            ),
            "Everything on the machine is many times slower.",
            (d.HOST, "Swap traffic"),
            hold="5m",
        ),
        Alert(
            "GenotelDiskHigh",
            q.DISK_HIGH,
            Severity.WARNING,
            "A filesystem is nearly full.",
            "<percent> of <mount> on <instance> is in use.",
            _DISK_STEPS,
            "Downloads of models and results will fail when it is full.",
            (d.HOST, "Filesystems in use"),
            hold="15m",
        ),
        Alert(
            "GenotelDiskAlmostFull",
            q.DISK_ALMOST_FULL,
            Severity.CRITICAL,
            "A filesystem has next to no space left.",
            "<percent> of <mount> on <instance> is in use.",
            _DISK_STEPS,
            "Results are about to be lost.",
            (d.HOST, "Filesystems in use"),
            hold="5m",
        ),
        Alert(
            "GenotelDiskFillsSoon",
            q.DISK_FILLS_SOON,
            Severity.WARNING,
            "A filesystem will be full within a day.",
            "At the rate of the last 6 hours <mount> on <instance> will hold <bytes>B tomorrow: more than fits.",
            _DISK_STEPS,
            "Results will be lost tomorrow.",
            (d.HOST, "Filesystems in use"),
            hold="1h",
        ),
        Alert(
            "GenotelNetworkErrors",
            q.NETWORK_ERRORS,
            Severity.INFO,
            "A network interface meets errors.",
            "<interface> of <instance> meets <number> errors each second.",
            (
                "`ip -s link show INTERFACE`: of which kind?",
                "cable, transceiver, port of the switch.",
                "`ethtool -S INTERFACE | grep -i err`.",
            ),
            "Transfers of models and results are slow or break off.",
            (d.HOST, "Network errors"),
            hold="10m",
        ),
    ),
)
