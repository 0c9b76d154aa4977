"""What the dashboards ask about the machine, its processes, and genotel itself."""

from __future__ import annotations

from genotel.promql import panel_queries as p
from genotel.promql.expression import Selector
from genotel.promql.selecting import label
from genotel.semconv import attributes as a
from genotel.semconv import host_metrics as h
from genotel.semconv import self_metrics as s
from genotel.semconv.spec import label_name

MOUNT, DEVICE = label_name(a.MOUNTPOINT), label_name(a.DEVICE)
INTERFACE, DIRECTION = label_name(a.NETWORK_INTERFACE), label_name(a.NETWORK_DIRECTION)
DISK_DIRECTION, PAGING_DIRECTION = label_name(a.DISK_DIRECTION), label_name(a.PAGING_DIRECTION)
COLLECTOR, METRIC, PLACE = label_name(a.COLLECTOR), label_name(a.METRIC), label_name(a.PLACE)

# --- machine -------------------------------------------------------------------------------------
BUSIEST = p.greatest(p.here(h.CPU_UTILIZATION))
FULLEST_MEMORY = p.greatest(p.here(h.MEMORY_UTILIZATION))
FULLEST_DISK = p.greatest(p.here(h.FILESYSTEM_UTILIZATION))
PROCESSORS = p.greatest(p.here(h.CPU_UTILIZATION), "instance")
CPU_MODES = p.rate(p.here(h.CPU_TIME), label_name(a.CPU_MODE))
LOAD = p.greatest(p.here(h.LOAD), "instance", label_name(a.LOAD_WINDOW))
PROCESSES = p.greatest(p.here(h.PROCESS_COUNT), "instance")
UPTIME = p.greatest(p.here(h.UPTIME), "instance")
MEMORY = p.greatest(p.here(h.MEMORY_UTILIZATION), "instance")
MEMORY_AVAILABLE = p.greatest(p.here(h.MEMORY_AVAILABLE), "instance")
SWAP_TRAFFIC = p.rate(p.here(h.PAGING_IO), "instance", PAGING_DIRECTION)
FILESYSTEMS = p.greatest(p.here(h.FILESYSTEM_UTILIZATION), "instance", MOUNT)
DISK_TRAFFIC = p.rate(p.here(h.DISK_IO), "instance", DEVICE, DISK_DIRECTION)
DISK_OPERATIONS = p.rate(p.here(h.DISK_OPERATIONS), "instance", DEVICE, DISK_DIRECTION)
DISK_BUSY = p.rate(p.here(h.DISK_IO_TIME), "instance", DEVICE)
NETWORK = p.rate(p.here(h.NETWORK_IO, label(a.NETWORK_INTERFACE, "!=", "lo")), "instance", INTERFACE, DIRECTION)
NETWORK_ERRORS = p.rate(p.here(h.NETWORK_ERRORS), "instance", INTERFACE)
NETWORK_DROPS = p.rate(p.here(h.NETWORK_DROPPED), "instance", INTERFACE)

# --- programs ------------------------------------------------------------------------------------
PROCESS_CPU = p.rate(p.here(h.PROCESS_CPU_TIME), "job", "instance")
PROCESS_MEMORY = p.total(p.here(h.PROCESS_MEMORY_USAGE), "job", "instance")
PROCESS_THREADS = p.total(p.here(h.PROCESS_THREADS), "job", "instance")
PROCESS_DESCRIPTORS = p.total(p.here(h.PROCESS_DESCRIPTORS), "job", "instance")

# --- genotel itself ------------------------------------------------------------------------------
COLLECTORS_FAILING = p.counted(f"{p.here(s.COLLECTOR_SUCCESS)} == 0")
COLLECTOR_AGE = f"time() - {p.greatest(p.here(s.COLLECTOR_LAST_SUCCESS), 'instance', COLLECTOR)}"
COLLECTOR_DURATION = p.greatest(p.here(s.COLLECTOR_DURATION), "instance", COLLECTOR)
COLLECTOR_TIMEOUTS = p.grown(p.here(s.COLLECTOR_TIMEOUTS), "instance", COLLECTOR)
SCRAPE_DURATION = p.greatest(Selector("scrape_duration_seconds", p.HERE), "instance")
SCRAPE_SAMPLES = p.greatest(Selector("scrape_samples_scraped", p.HERE), "instance")
SERIES_DROPPED = p.grown(p.here(s.SERIES_DROPPED), "instance", METRIC)
INTERNAL_ERRORS = p.grown(p.here(s.INTERNAL_ERRORS), "instance", PLACE)
JOURNAL_ROWS = p.rate(p.here(s.JOURNAL_ROWS), "instance")
JOURNAL_DROPPED = p.rate(p.here(s.JOURNAL_DROPPED), "instance")
JOURNAL_SIZE = p.greatest(p.here(s.JOURNAL_SIZE), "instance")
SPOOL_AGE = p.greatest(p.here(s.SPOOL_AGE), "instance")
SPOOL_WORKERS = p.greatest(p.here(s.SPOOL_WORKERS), "instance", label_name(a.WORKER_STATE))
WEB_CONFIGS_REFUSED = p.counted(f"{p.here(s.WEB_CONFIG_SUCCESS)} == 0")
CERTIFICATE_LEFT = f"min by (instance) ({p.here(s.TLS_CERTIFICATE_EXPIRY)}) - time()"
HANDSHAKES = p.rate(p.here(s.TLS_HANDSHAKES), label_name(a.HANDSHAKE_RESULT))
PAGE_SIZE = p.greatest(p.here(s.PAGE_SIZE), "instance")
PAGE_SERIES = p.greatest(p.here(s.PAGE_SERIES), "instance")
SCRAPES = p.rate(p.here(s.SCRAPES), label_name(a.CODE), label_name(a.FORMAT))
VERSIONS = f"count by ({label_name(a.BUILD_VERSION)}, {label_name(a.PYTHON_VERSION)}) ({p.here(s.BUILD_INFO)})"
