# SPDX-License-Identifier: MIT
"""An exporter with a web configuration: certificates, a password, and clients that have them."""

import base64
import http.client
import pathlib
import ssl
import subprocess
import tempfile
import unittest

import host
from exporter import ADDRESS, PORT, Exporter

USER, PASSWORD = "prom", "correct horse"


def openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def certificate(folder, name, issuer=None, days=30):
    """NAME.pem and NAME.key in the folder, self-signed or by an issuer made before."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", folder=folder)
    extension = pathlib.Path(folder, f"{name}.ext")
    extension.write_text("subjectAltName=IP:127.0.0.1,DNS:" + name
                         if issuer else "basicConstraints=critical,CA:TRUE")
    signer = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"] if issuer else [
        "-signkey", f"{name}.key"]
    openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-days", str(days), "-out", f"{name}.pem",
            "-extfile", extension.name, folder=folder)


class WebCase(unittest.TestCase):
    """What the tests of it start from"""

    def setUp(self):
        host.must_be_root()
        host.must_have("openssl", "htpasswd")
        self.box = host.Host.make(self, "box")
        folder = tempfile.TemporaryDirectory(prefix="dnstt-it-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        certificate(self.folder, "ca")
        certificate(self.folder, "server", "ca")
        certificate(self.folder, "scraper", "ca")
        certificate(self.folder, "stranger")
        for path in self.folder.iterdir():
            path.chmod(0o644)
        line = subprocess.run(["htpasswd", "-nbBC", "10", USER, PASSWORD], check=True,
                              capture_output=True, text=True).stdout.strip()
        self.hash = line.split(":", 1)[1]
        self.file = self.folder / "web.yml"

    def write(self, *, tls=True, users=True, sans="", extra=""):
        text = ""
        if tls:
            text += ("tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
                     "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n")
            text += f"  client_allowed_sans: [{sans}]\n" if sans else ""
        if users:
            text += f"basic_auth_users:\n  {USER}: {self.hash}\n"
        self.file.write_text(text + extra)

    def start(self, *flags):
        exporter = Exporter(self.box, "-web.config.file", str(self.file), *flags)
        self.addCleanup(exporter.kill)
        host.eventually(exporter.capture_pid)
        return exporter

    def context(self, identity="scraper"):
        """Of a client that trusts our CA."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if identity:
            context.load_cert_chain(self.folder / f"{identity}.pem", self.folder / f"{identity}.key")
        return context

    def get(self, path="/metrics", *, tls=True, identity="scraper", password=PASSWORD, accept=None):
        connection = http.client.HTTPConnection(ADDRESS, PORT)
        connection.sock = self.box.tcp(ADDRESS, PORT)
        try:
            if tls:
                connection.sock = self.context(identity).wrap_socket(connection.sock,
                                                                     server_hostname=ADDRESS)
            headers = {"Accept": accept} if accept else {}
            if password is not None:
                word = base64.b64encode(f"{USER}:{password}".encode()).decode()
                headers["Authorization"] = f"Basic {word}"
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    def refused(self, *path, **who):
        """401, after some 429 where the password before it took bcrypt its time."""
        host.eventually(lambda: self.assertEqual(self.get(*path, **who)[0], 401))

    def serial(self):
        connection = self.box.tcp(ADDRESS, PORT)
        with self.context().wrap_socket(connection, server_hostname=ADDRESS) as tls:
            return tls.getpeercert()["serialNumber"]
