# SPDX-License-Identifier: MIT
"""Web configuration files, judged by promtool and by the exporter's reader: they must agree.

promtool check web-config is exporter-toolkit's own reader. Debian 12 has it as of early 2023, so it
does not know the keys that came later. Where the exporter's reader decides otherwise, the case
says why.

    DNSTT_BUILD=build python3 webconfig_judge.py
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import textwrap
import unittest

import host

GOOD, BAD = True, False

# Why the two readers differ
NEWER = "promtool 2.42 is older than this key"
NO_TLS = "a TLS section without a certificate would serve plain HTTP unnoticed"
SERVED = "nothing, or less than is written, could be served"
SECURE = "no forward secrecy; Go refuses it since 1.22"
STRICT = "YAML that no such file needs, and that hides what is set"
LATER = "promtool takes it, but no password could ever match, or no request be served"
MATERIAL = "promtool does not look at this; a client would have to find out"
CLIENTS = "exporter-toolkit would trust every public CA to vouch for clients"

HASH = "$2y$04$pgdD0KuQhCzwhm0ffRAbMe59DccV/bUbpvRNJRmBODCSzwm3Xz5XO"
TLS = "tls_server_config:\n  cert_file: ec.crt\n  key_file: ec.key\n"
CLIENT = TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ec.crt\n"
HEADERS = "http_server_config:\n  headers:\n    "


def inline(key, name):
    """A key with the whole of a file as its value; resolved when the files are there."""
    return f"  {key}: |\n@{name}@\n"


def tls(cert="ec.crt", key="ec.key", more=""):
    return f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n{more}"


def suites(*names):
    return "  cipher_suites:\n" + "".join(f"  - {name}\n" for name in names)


# Name of the case, text, what promtool says; for an exception what the exporter says, and why.
CASES = [
    # The file as a whole
    ("empty", "", GOOD),
    ("only a comment", "# nothing\n", GOOD),
    ("null", "~\n", GOOD),
    ("empty sections", "tls_server_config:\nhttp_server_config: {}\nbasic_auth_users:\n", GOOD),
    ("everything", CLIENT + "  min_version: TLS12\n  max_version: TLS13\n"
     "  prefer_server_cipher_suites: false\n  curve_preferences: [X25519, CurveP256]\n"
     + suites("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
     + "http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n"
     f"basic_auth_users:\n  alice: {HASH}\n", GOOD),
    ("flow style", f"{{basic_auth_users: {{alice: {HASH}}}}}", GOOD),
    ("CRLF", TLS.replace("\n", "\r\n"), GOOD),
    ("byte order mark", "\ufeff" + TLS, GOOD),
    ("end marker", TLS + "...\n", GOOD),
    ("list", "- tls_server_config\n", BAD),
    ("scalar", "tls_server_config\n", BAD),
    ("no YAML", "tls_server_config: [\n", BAD),
    ("tab for indentation", "tls_server_config:\n\tcert_file: ec.crt\n", BAD),
    ("colon forgotten", "tls_server_config:\n  cert_file ec.crt\n", BAD),
    ("control character", "tls_server_config:\n  cert_file: \x01\n", BAD),
    ("unknown section", "tls_config:\n  cert_file: ec.crt\n", BAD),
    ("unknown key", TLS + "  ca_file: ec.crt\n", BAD),
    ("key in another case", "tls_server_config:\n  Cert_File: ec.crt\n  key_file: ec.key\n", BAD),
    ("section twice", TLS + TLS, BAD),
    ("key twice", TLS + "  key_file: ec.key\n", BAD),
    ("section is a list", "tls_server_config:\n  - cert_file: ec.crt\n", BAD),
    ("section is a scalar", "http_server_config: true\n", BAD),
    ("second document", TLS + "---\nfoo: bar\n", GOOD, BAD, STRICT),
    ("anchor and alias", "tls_server_config:\n  cert_file: &c ec.crt\n  key_file: ec.key\n"
     "  client_ca_file: *c\n  client_auth_type: VerifyClientCertIfGiven\n", GOOD, BAD, STRICT),
    ("tag", "tls_server_config:\n  cert_file: !!str ec.crt\n  key_file: ec.key\n", GOOD, BAD,
     STRICT),
    # Certificate and key
    ("EC", TLS, GOOD),
    ("quoted", 'tls_server_config:\n  "cert_file": "ec.crt"\n  \'key_file\': \'ec.key\'\n', GOOD),
    ("RSA", tls("rsa.crt", "rsa.key"), GOOD),
    ("RSA key in its old form", tls("rsa.crt", "rsa1.key"), GOOD),
    ("EC key in its old form", tls("ec.crt", "ec1.key"), GOOD),
    ("EC key behind its parameters", tls("ec.crt", "ecparam.key"), GOOD),
    ("Ed25519", tls("ed.crt", "ed.key"), GOOD),
    ("certificate and key in one file", tls("both.pem", "both.pem"), GOOD),
    ("chain", tls("chain.crt", "ec.key"), GOOD),
    ("text around the PEM", tls("wordy.crt", "ec.key"), GOOD),
    ("path through a folder", tls("./folder/../ec.crt", "ec.key"), GOOD),
    ("no key", "tls_server_config:\n  cert_file: ec.crt\n", BAD),
    ("no certificate", "tls_server_config:\n  key_file: ec.key\n", BAD),
    ("certificate is missing", tls("missing.crt"), BAD),
    ("key is missing", tls(key="missing.key"), BAD),
    ("certificate is a folder", tls("folder"), BAD),
    ("certificate is empty", tls("empty"), BAD),
    ("certificate is a key", tls("ec.key"), BAD),
    ("certificate is text", tls("text"), BAD),
    ("certificate is cut", tls("cut.crt"), BAD),
    ("key is a certificate", tls(key="ec.crt"), BAD),
    ("key is empty", tls(key="empty"), BAD),
    ("key of another certificate", tls("rsa.crt", "ec.key"), BAD),
    ("key of another EC certificate", tls("ec.crt", "other.key"), BAD),
    ("key with a pass phrase", tls("rsa.crt", "locked.key"), BAD),
    ("chain in the wrong order", tls("wrong-chain.crt"), BAD),
    ("certificate is a list", "tls_server_config:\n  cert_file: [ec.crt]\n", BAD),
    ("certificate is a mapping", "tls_server_config:\n  cert_file: {a: b}\n", BAD),
    ("expired", tls("expired.crt"), GOOD, BAD, MATERIAL),
    ("not yet valid", tls("future.crt"), GOOD, BAD, MATERIAL),
    ("only a version", "tls_server_config:\n  min_version: TLS12\n", GOOD, BAD, NO_TLS),
    ("empty paths", "tls_server_config:\n  cert_file: ''\n  key_file: ''\n", GOOD, BAD, NO_TLS),
    ("inline", "tls_server_config:\n" + inline("cert", "ec.crt") + inline("key", "ec.key"),
     BAD, GOOD, NEWER),
    ("inline and file", TLS + inline("cert", "rsa.crt"), BAD, GOOD, NEWER),
    # Client certificates
    ("client CA", CLIENT, GOOD),
    ("client certificate of any kind", TLS + "  client_auth_type: RequireAnyClientCert\n", GOOD),
    ("old name of that", TLS + "  client_auth_type: RequireClientCert\n", GOOD),
    ("client certificate on request", TLS + "  client_auth_type: RequestClientCert\n", GOOD),
    ("no client certificate", TLS + "  client_auth_type: NoClientCert\n", GOOD),
    ("client authentication is null", TLS + "  client_auth_type:\n", GOOD),
    ("client authentication is empty", TLS + "  client_auth_type: ''\n", GOOD),
    ("client authentication is unknown", TLS + "  client_auth_type: Require\n", BAD),
    ("client authentication in lower case", TLS + "  client_auth_type: noclientcert\n", BAD),
    ("client CA without use", TLS + "  client_ca_file: ec.crt\n", BAD),
    ("client CA with none asked for", TLS + "  client_ca_file: ec.crt\n"
     "  client_auth_type: NoClientCert\n", BAD),
    ("client CA is missing", CLIENT.replace("client_ca_file: ec.crt", "client_ca_file: no"), BAD),
    ("client CA has no certificate", CLIENT.replace("client_ca_file: ec.crt",
                                                    "client_ca_file: text"), GOOD, BAD, MATERIAL),
    ("verified by nothing", TLS + "  client_auth_type: RequireAndVerifyClientCert\n", GOOD, BAD,
     CLIENTS),
    ("inline client CA", TLS + "  client_auth_type: VerifyClientCertIfGiven\n"
     + inline("client_ca", "ec.crt"), BAD, GOOD, NEWER),
    ("names", CLIENT + "  client_allowed_sans: [prometheus.example, 192.0.2.1]\n", BAD, GOOD,
     NEWER),
    ("names, but none has to come", TLS + "  client_allowed_sans: [a]\n", BAD),
    ("no names", CLIENT + "  client_allowed_sans: []\n", BAD),
    # Versions, suites, curves
    ("TLS 1.3 only", TLS + "  min_version: TLS13\n", GOOD),
    ("TLS 1.2 only", TLS + "  max_version: TLS12\n", GOOD),
    ("version is null", TLS + "  min_version: ~\n  max_version:\n", GOOD),
    ("TLS 1.0 and up", TLS + "  min_version: TLS10\n", GOOD),
    ("TLS 1.1 and up", TLS + "  min_version: TLS11\n", GOOD),
    ("unknown version", TLS + "  min_version: TLS14\n", BAD),
    ("version as a number", TLS + "  min_version: 1.2\n", BAD),
    ("version as a list", TLS + "  min_version: [TLS12]\n", BAD),
    ("up to TLS 1.1", TLS + "  min_version: TLS10\n  max_version: TLS11\n", GOOD, BAD, SERVED),
    ("versions crossed", TLS + "  min_version: TLS13\n  max_version: TLS12\n", GOOD, BAD, SERVED),
    ("suites", TLS + suites("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                            "TLS_AES_128_GCM_SHA256"), GOOD),
    ("suite twice", TLS + suites(*["TLS_AES_128_GCM_SHA256"] * 2), GOOD),
    ("CBC suite", TLS + suites("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"), GOOD),
    ("no suites", TLS + "  cipher_suites: []\n", GOOD),
    ("invented suite", TLS + suites("TLS_ECDHE_RSA_WITH_ROT13"), BAD),
    ("suite without AEAD in Go's insecure list",
     TLS + suites("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"), BAD),
    ("GnuTLS name of a suite", TLS + suites("TLS_ECDHE_RSA_AES_128_GCM_SHA256"), BAD),
    ("suite not in a list", TLS + "  cipher_suites: TLS_AES_128_GCM_SHA256\n", BAD),
    ("suite is a list", TLS + "  cipher_suites:\n  - [TLS_AES_128_GCM_SHA256]\n", BAD),
    ("RSA key exchange", TLS + suites("TLS_RSA_WITH_AES_128_GCM_SHA256"), GOOD, BAD, SECURE),
    ("suite is null", TLS + "  cipher_suites: [~]\n", GOOD, BAD, SERVED),
    ("RSA suites for an EC certificate", TLS + "  max_version: TLS12\n"
     + suites("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), GOOD, BAD, SERVED),
    ("TLS 1.3 suites for TLS 1.2", TLS + "  max_version: TLS12\n"
     + suites("TLS_AES_128_GCM_SHA256"), GOOD, BAD, SERVED),
    ("curves", TLS + "  curve_preferences: [CurveP521, CurveP384, CurveP256, X25519]\n", GOOD),
    ("invented curve", TLS + "  curve_preferences: [CurveP257]\n", BAD),
    ("server's choice", TLS + "  prefer_server_cipher_suites: true\n", GOOD),
    ("server's choice is quoted", TLS + "  prefer_server_cipher_suites: 'true'\n", BAD),
    ("server's choice is a number", TLS + "  prefer_server_cipher_suites: 1\n", BAD),
    # HTTP
    ("HTTP/2", "http_server_config:\n  http2: true\n", GOOD),
    ("HTTP/2 in YAML 1.1 words", "http_server_config:\n  http2: Yes\n", GOOD),
    ("HTTP/2 in a letter", "http_server_config:\n  http2: n\n", GOOD),
    ("HTTP/2 in other words", "http_server_config:\n  http2: yEs\n", BAD),
    ("HTTP/2 is a mapping", "http_server_config:\n  http2: {}\n", BAD),
    ("all headers", HEADERS + "X-Frame-Options: sameorigin\n"
     "    X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1; mode=block\n"
     "    Strict-Transport-Security: max-age=31536000; includeSubDomains\n"
     "    Content-Security-Policy: default-src 'self'\n", GOOD),
    ("header is a number", HEADERS + "X-XSS-Protection: 0\n", GOOD),
    ("header is empty", HEADERS + "Content-Security-Policy: ''\n", GOOD),
    ("header is null", HEADERS + "Content-Security-Policy:\n", GOOD),
    ("listed header is empty", HEADERS + "X-Frame-Options: ''\n", BAD),
    ("listed header is null", HEADERS + "X-Frame-Options: ~\n", BAD),
    ("listed header in upper case", HEADERS + "X-Frame-Options: DENY\n", BAD),
    ("listed header is wrong", HEADERS + "X-Content-Type-Options: sniff\n", BAD),
    ("header of another name", HEADERS + "Server: dnstt\n", BAD),
    ("header in another case", HEADERS + "x-frame-options: deny\n", BAD),
    ("header twice", HEADERS + "X-Frame-Options: deny\n    X-Frame-Options: deny\n", BAD),
    ("header is a list", HEADERS + "X-Frame-Options: [deny]\n", BAD),
    ("header with a line break", HEADERS + 'Content-Security-Policy: "a\\r\\nb"\n', GOOD, BAD,
     "it would add a header of its own"),
    # Users
    ("user", f"basic_auth_users:\n  alice: {HASH}\n", GOOD),
    ("users", f"basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n  '': {HASH}\n", GOOD),
    ("user is a number", f"basic_auth_users:\n  123: {HASH}\n", GOOD),
    ("hash of kind a", f"basic_auth_users:\n  alice: {HASH.replace('2y', '2a')}\n", GOOD),
    ("hash of kind b", f"basic_auth_users:\n  alice: {HASH.replace('2y', '2b')}\n", GOOD),
    ("user twice", f"basic_auth_users:\n  alice: {HASH}\n  alice: {HASH}\n", BAD),
    ("password in the clear", "basic_auth_users:\n  alice: secret\n", BAD),
    ("no password", "basic_auth_users:\n  alice:\n", BAD),
    ("hash of another kind", "basic_auth_users:\n  alice: $6$salt$" + "a" * 60 + "\n", BAD),
    ("hash is cut", f"basic_auth_users:\n  alice: {HASH[:-2]}\n", BAD),
    ("cost is no number", f"basic_auth_users:\n  alice: {HASH.replace('04', 'xx')}\n", BAD),
    ("cost is too low", f"basic_auth_users:\n  alice: {HASH.replace('04', '03')}\n", BAD),
    ("cost is too high", f"basic_auth_users:\n  alice: {HASH.replace('04', '32')}\n", BAD),
    ("users in a list", f"basic_auth_users:\n  - alice: {HASH}\n", BAD),
    ("hash in a list", f"basic_auth_users:\n  alice: [{HASH}]\n", BAD),
    ("cost takes too long", f"basic_auth_users:\n  alice: {HASH.replace('04', '15')}\n", GOOD, BAD,
     "the exporter is one loop, which a cost of 15 would stop for seconds"),
    ("hash is too long", f"basic_auth_users:\n  alice: {HASH}x\n", GOOD, BAD, LATER),
    ("hash of kind x", f"basic_auth_users:\n  alice: {HASH.replace('2y', '2x')}\n", GOOD, BAD,
     LATER),
    ("hash with a space", f"basic_auth_users:\n  alice: '{HASH[:40]} {HASH[41:]}'\n", GOOD, BAD,
     LATER),
    ("user with a colon", f"basic_auth_users:\n  'a:b': {HASH}\n", GOOD, BAD, LATER),
    # Rate limit
    ("rate limit", "rate_limit:\n  interval: 1h1m1.5s\n  burst: 20\n", BAD, GOOD, NEWER),
    ("rate limit that is off", "rate_limit:\n  interval: 0\n", BAD, GOOD, NEWER),
    ("rate limit without a unit", "rate_limit:\n  interval: 5\n  burst: 1\n", BAD),
    ("rate limit below zero", "rate_limit:\n  interval: -1s\n  burst: 1\n", BAD),
    ("rate limit without burst", "rate_limit:\n  interval: 1s\n", BAD),
    ("burst is no number", "rate_limit:\n  interval: 1s\n  burst: many\n", BAD),
]

CA = """
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_files(folder):
    """Certificates and keys of all the kinds that the cases name."""
    for name, kind in (("ec", "EC -pkeyopt ec_paramgen_curve:P-256"), ("rsa", "RSA"),
                       ("ed", "ED25519"), ("other", "EC -pkeyopt ec_paramgen_curve:P-256")):
        openssl(folder, "genpkey", "-algorithm", *kind.split(), "-out", f"{name}.key")
        openssl(folder, "req", "-x509", "-key", f"{name}.key", "-out", f"{name}.crt",
                "-subj", f"/CN={name}", "-days", "2")
    openssl(folder, "rsa", "-in", "rsa.key", "-traditional", "-out", "rsa1.key")
    openssl(folder, "ec", "-in", "ec.key", "-out", "ec1.key")
    openssl(folder, "ecparam", "-name", "prime256v1", "-out", "parameters")
    openssl(folder, "pkcs8", "-topk8", "-in", "rsa.key", "-passout", "pass:x", "-out", "locked.key")
    (folder / "ca.cnf").write_text(CA)
    (folder / "index.txt").touch()
    openssl(folder, "req", "-new", "-key", "ec.key", "-subj", "/CN=ec", "-out", "ec.csr")
    for name, start, end in (("expired", "20200101000000Z", "20200201000000Z"),
                             ("future", "20900101000000Z", "20900201000000Z")):
        openssl(folder, "ca", "-batch", "-config", "ca.cnf", "-selfsign", "-in", "ec.csr",
                "-keyfile", "ec.key", "-startdate", start, "-enddate", end,
                "-out", f"{name}.crt", "-notext")
    read = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    for name, text in {
            "both.pem": read["ec.crt"] + read["ec.key"],
            "chain.crt": read["ec.crt"] + read["rsa.crt"],
            "wrong-chain.crt": read["rsa.crt"] + read["ec.crt"],
            "wordy.crt": "A certificate:\n\n" + read["ec.crt"] + "\nand no more.\n",
            "cut.crt": read["ec.crt"][:-60],
            "ecparam.key": read["parameters"] + read["ec1.key"],
            "empty": "", "text": "hello\n"}.items():
        (folder / name).write_text(text)
    (folder / "folder").mkdir()


def check_program():
    path = os.environ.get("DNSTT_WEBCONFIG_CHECK")
    if not path:
        build = os.environ.get("DNSTT_BUILD")
        host.must(build, "DNSTT_BUILD does not name the build directory")
        path = os.path.join(build, "tests", "webconfig_check")
    path = os.path.abspath(path)
    host.must(os.access(path, os.X_OK), f"{path} is not built")
    return path


class WebConfigJudge(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program in ("promtool", "openssl"):
            host.must(shutil.which(program), f"{program} is not installed")
        cls.program = check_program()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="dnstt-webconfig-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        make_files(cls.folder)

    def write(self, text, name="web"):
        parts = text.split("@")
        for i in range(1, len(parts), 2):
            pem = (self.folder / parts[i]).read_text()
            parts[i] = textwrap.indent(pem.rstrip("\n"), "    ")
        path = self.folder / f"{name}.yml"
        path.write_bytes("".join(parts).encode())
        return str(path)

    def judge(self, path):
        """(whether the exporter's reader takes a file, what it says)"""
        done = subprocess.run([self.program, path], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode == 0, done.stdout + done.stderr

    def promtool(self, paths):
        """The same by promtool, for each path; one run for all, since its start is what takes long"""
        done = subprocess.run(["promtool", "check", "web-config", *paths], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        said = re.findall(r"^(\S+\.yml) ((SUCCESS$|FAILED: ).*)$", done.stderr, re.MULTILINE)
        self.assertEqual([path for path, *_ in said], paths, done.stderr)
        return [(verdict == "SUCCESS", line) for _, line, verdict in said]

    def test_readers_agree(self):
        names = [case[0] for case in CASES]
        self.assertEqual(len(names), len(set(names)))
        paths = [self.write(text, f"case-{number}") for number, (_, text, *_) in enumerate(CASES)]
        judged = self.promtool(paths)
        for path, (good, said), (name, _, toolkit, *exception) in zip(paths, judged, CASES):
            with self.subTest(name):
                self.assertEqual(good, toolkit, f"promtool: {said}")
                wanted = exception[0] if exception else toolkit
                self.assertNotEqual(wanted if exception else None, toolkit, "no exception at all")
                good, said = self.judge(path)
                self.assertEqual(good, wanted, f"webconfig_check: {said}")

    def test_reasons_name_file_line_and_remedy(self):
        for name, text, toolkit, *exception in CASES:
            if exception[0] if exception else toolkit:
                continue
            with self.subTest(name):
                path = self.write(text)
                _, said = self.judge(path)
                self.assertRegex(said, rf"^{path}:\d+: (\S+: )?.+; .+\n$")
                self.assertNotIn("secret", said)
                self.assertNotIn(HASH[8:], said)


if __name__ == "__main__":
    unittest.main()
