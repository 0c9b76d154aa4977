"""Go's names of cipher suites, as web configuration files have them, and what OpenSSL calls the same.

Only the suites that Go itself offers as secure, which is what exporter-toolkit accepts:
https://pkg.go.dev/crypto/tls#CipherSuites
"""

from __future__ import annotations

from types import MappingProxyType

# Up to TLS 1.2: these can be chosen.
OPENSSL_NAMES = MappingProxyType(
    {
        f"TLS_ECDHE_{key}_WITH_{go}": f"ECDHE-{key}-{openssl}"
        for key in ("ECDSA", "RSA")
        for go, openssl in (
            ("AES_128_CBC_SHA", "AES128-SHA"),
            ("AES_256_CBC_SHA", "AES256-SHA"),
            ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
            ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
            ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
        )
    }
)
# Of TLS 1.3: always offered, by Go and by Python; naming them changes nothing.
ALWAYS_OFFERED = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
