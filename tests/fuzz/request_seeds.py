# SPDX-License-Identifier: MIT
"""Requests as clients send them, and as those do that mean harm: seeds for fuzz_request

The target cuts each in the middle. Its one pair of name and password is that of AUTHORIZED.
"""

AUTHORIZED = "Authorization: Basic dTpwYXNz"
ACCEPT_PROMETHEUS_2 = ("application/openmetrics-text;version=1.0.0,"
                       "application/openmetrics-text;version=0.0.1;q=0.75,"
                       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
ACCEPT_PROMETHEUS_3 = ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                       "application/openmetrics-text;version=0.0.1;q=0.5,"
                       "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                       "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
ACCEPT_PROTOBUF = ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                   "encoding=delimited;q=0.7," + ACCEPT_PROMETHEUS_3)
ACCEPT_FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ACCEPT_CHROMIUM = ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
                   "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7")


def request(line, *headers, body=""):
    return "\r\n".join((line, *headers, "", body))


def client(line, agent, accept, *headers):
    return request(line, "Host: exporter.example:9713", f"User-Agent: {agent}",
                   f"Accept: {accept}", *headers)


def usual():
    """Prometheus, browsers, curl and probes, with a password and without"""
    for extra in ((), (AUTHORIZED,)):
        for version, accept in (("2.53.0", ACCEPT_PROMETHEUS_2), ("3.1.0", ACCEPT_PROMETHEUS_3),
                                ("3.1.0", ACCEPT_PROTOBUF)):
            yield client("GET /metrics HTTP/1.1", f"Prometheus/{version}", accept,
                         "Accept-Encoding: gzip", "X-Prometheus-Scrape-Timeout-Seconds: 10",
                         *extra)
        for path in ("/", "/metrics", "/favicon.ico", "/-/healthy", "/-/ready"):
            yield client(f"GET {path} HTTP/1.1", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
                         "Gecko/20100101 Firefox/128.0", ACCEPT_FIREFOX,
                         "Accept-Language: en-US,en;q=0.5",
                         "Accept-Encoding: gzip, deflate, br, zstd", "DNT: 1",
                         "Connection: keep-alive", "Cookie: a=b; c=\"d\"; e",
                         "Upgrade-Insecure-Requests: 1", "Sec-Fetch-Mode: navigate", *extra)
            yield client(f"HEAD {path} HTTP/1.1", "curl/7.88.1", "*/*", *extra)
            yield client(f"GET {path} HTTP/1.0", "kube-probe/1.30", "*/*", "Connection: close",
                         *extra)
        yield client("GET /?a=1&a=2#x HTTP/1.1", "Mozilla/5.0", ACCEPT_CHROMIUM,
                     "Accept-Encoding: gzip;q=1.0, *;q=0", "Cache-Control: max-age=0", *extra)
        yield request("GET / HTTP/1.1", "Host: x", "Connection: Upgrade, HTTP2-Settings",
                      "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", *extra)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get",
                       "M-X"):
            yield request(f"{method} /metrics HTTP/1.1", "Host: x", *extra)
    yield "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


def passwords():
    for value in ("Basic dTpwYXNz", "basic  dTpwYXNz ", "BASIC dTpwYXN6", "Basic dTpwYXNz=",
                  "Basic dTo=", "Basic Og==", "Basic", "Basic ", "Basic dQ==", "Basic dTpwYXN",
                  "Basic d=pwYXNz", "Basic dTpwYQBz", "Bearer dTpwYXNz", "Digest username=\"u\"",
                  "Basic " + "QUFB" * 200, "Basic dTpwYXNz, Basic dTpwYXNz"):
        yield request("GET /metrics HTTP/1.1", "Host: x", f"Authorization: {value}")
    yield request("GET / HTTP/1.1", "Host: x", "Authorization: Basic eDp5", AUTHORIZED)
    yield request("GET / HTTP/1.1", "Host: x", AUTHORIZED, "Authorization: Basic eDp5")
    yield request("GET / HTTP/1.1", "Host: x", "Authorization:", " Basic dTpwYXNz")


def bodies():
    """Lengths and codings that two servers could read in two ways"""
    hidden = request("GET /metrics HTTP/1.1", "Host: y", AUTHORIZED)
    lengths = ("0", "00", "5", "+5", "-1", " 5 ", "5, 5", "5,6", "0x5", "5a", "", "4294967296",
               "18446744073709551615", "18446744073709551616", "99999999999999999999999")
    for length in lengths:
        yield request("GET /metrics HTTP/1.1", "Host: x", f"Content-Length: {length}",
                      body="hello" + hidden)
        yield request("POST / HTTP/1.1", "Host: x", AUTHORIZED, f"content-length:{length}",
                      body="hello" + hidden)
    chunks = ("0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n",
              "5;a=\"b\"\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
              "0005\r\nhello\r\n00\r\n\r\n", "5\nhello\n0\n\n", "ffffffffffffffff\r\nx", "-1\r\nx",
              "10000000000000005\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
              "g\r\n", "\r\n")
    for chunk in chunks:
        yield request("POST /metrics HTTP/1.1", "Host: x", AUTHORIZED, "Transfer-Encoding: chunked",
                      body=chunk + hidden)
    for coding in ("identity", "gzip, chunked", "chunked, identity", "chunked, chunked", "xchunked",
                   "Chunked ", "\tchunked", "\x0bchunked", "chunked;q=1", ""):
        yield request("GET / HTTP/1.1", "Host: x", f"Transfer-Encoding: {coding}",
                      body=chunks[1] + hidden)
    for both in (("Content-Length: 6", "Transfer-Encoding: chunked"),
                 ("Transfer-Encoding: chunked", "Content-Length: 6"),
                 ("Content-Length: 0", "Content-Length: 5"),
                 ("Content-Length: 5", "Content-Length: 5"),
                 ("Transfer-Encoding: identity", "Transfer-Encoding: chunked"),
                 ("Transfer-Encoding : chunked", "Content-Length: 5"),
                 ("Content-Length : 5",), ("Content-Length\t: 5",), (" Content-Length: 5",),
                 ("X: y", " Content-Length: 5"), ("Content-Length:", " 5")):
        yield request("GET /metrics HTTP/1.1", "Host: x", *both, body=chunks[0] + hidden)
        yield request("POST /metrics HTTP/1.0", "Connection: keep-alive", AUTHORIZED, *both,
                      body=chunks[0] + hidden)
    for line in ("Expect: 100-continue", "Expect: 200-ok"):
        yield request("POST / HTTP/1.1", "Host: x", line, "Content-Length: 5", body="hello")
        yield request("PUT / HTTP/1.1", "Host: x", AUTHORIZED, line, "Transfer-Encoding: chunked",
                      body=chunks[1])


def pipelined():
    get = request("GET /-/healthy HTTP/1.1", "Host: x", AUTHORIZED)
    head = request("HEAD / HTTP/1.1", "Host: x", AUTHORIZED)
    closing = request("GET /metrics HTTP/1.1", "Host: x", "Connection: close", AUTHORIZED)
    unknown = request("GET /none HTTP/1.1", "Host: x", AUTHORIZED)
    refused = request("GET / HTTP/1.1", "Host: x")
    yield from (get * 2, get + head + get, get + closing + get, refused * 3,
                get + refused + unknown, "\r\n" + get + "\r\n\r\n" + head, get + "GET", get * 40,
                request("HEAD /metrics HTTP/1.0", "Connection: keep-alive", AUTHORIZED) + get)


def malformed():
    for line in ("GET", "GET ", "GET /", "GET / HTTP/1.1 ", "GET / HTTP/2", "GET / HTTP/1.10",
                 "GET / HTTP/0.9", "GET / http/1.1", "GET  /  HTTP/1.1", "GET\t/\tHTTP/1.1",
                 " GET / HTTP/1.1", "G\x00T / HTTP/1.1", "GET http://x/metrics HTTP/1.1",
                 "GET * HTTP/1.1", "GET metrics HTTP/1.1", "GET //metrics HTTP/1.1",
                 "GET http:///x HTTP/1.1",
                 "GET https://[::1]:9/metrics?x HTTP/1.1", "GET /\x00HTTP/1.1 HTTP/1.1",
                 "GET /../metrics HTTP/1.1", "GET /%6detrics HTTP/1.1", "GET /metrics%00 HTTP/1.1",
                 "GET /% HTTP/1.1", "GET /%zz?%zz=%00&&=& HTTP/1.1", "GET /\xff HTTP/1.1", ""):
        yield request(line, "Host: x", AUTHORIZED)
    for header in ("", ":", ": x", "x", "Host", "Host: a b", "Content-Length: 0, 0", "X :a",
                   "Content-Length: 0\r\n 5", "Transfer-Encoding:\r\n chunked", "Host:", "Host: x:y:z", "A: b\x00c", "A: b\rc",
                   "A: b\n c", "A\xe9: \xe9", "(x): y", "Accept-Encoding: gzip, , ;q=,gzip;q=2",
                   "Accept: \"", "Accept: text/plain;version=\"0.0.4",
                   "Connection: close, keep-alive",
                   "Cookie: ;;=;", "Range: bytes=0-1",
                   "Content-Type: multipart/form-data; boundary="):
        yield request("GET /metrics HTTP/1.1", "Host: x", header, AUTHORIZED)
    yield request("GET /metrics HTTP/1.1")
    yield request("GET /metrics HTTP/1.1", "Host: x", "Host: y")
    yield request("GET /metrics HTTP/1.1", "Host: x", AUTHORIZED).replace("\r\n", "\n")
    yield request("GET /metrics HTTP/1.1", "Host: x", AUTHORIZED).replace("\r\n", "\r")
    yield request("GET /metrics HTTP/1.1", "Host: x", AUTHORIZED)[:-3]


def large():
    """About as much as the server has room for, and more"""
    for length in (250, 4000, 8100, 16300, 17000):
        yield request(f"GET /{'a' * length} HTTP/1.1", "Host: x", AUTHORIZED)
        yield request(f"GET /metrics?{'a=b&' * (length // 4)} HTTP/1.1", "Host: x", AUTHORIZED)
        yield request("GET /metrics HTTP/1.1", "Host: x", f"X: {'x' * length}", AUTHORIZED)
    yield request("M" * 5000 + " / HTTP/1.1", "Host: x")
    yield request("GET / HTTP/1.1", *["a: b"] * 400, AUTHORIZED)
    yield request("GET / HTTP/1.1", *["Accept-Encoding: gzip;q=0"] * 20, AUTHORIZED)
    yield request("GET / HTTP/1.1", f"Cookie: {'a=b; ' * 500}", AUTHORIZED)


def seeds():
    for some in (usual, passwords, bodies, pipelined, malformed, large):
        for text in some():
            yield text.encode("latin-1")
