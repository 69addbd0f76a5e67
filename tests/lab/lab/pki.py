# SPDX-License-Identifier: BSD-2-Clause
"""A certificate authority for one lab, by openssl(1)."""

import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


class Authority:
    """Keeps its files in DIRECTORY.  `certificate` is for everybody to read."""

    def __init__(self, directory, name="Lab Root"):
        self._directory = directory
        directory.mkdir()
        self.certificate = directory / "ca.pem"
        self._key = directory / "ca.key"
        _openssl("req", "-x509", *KEY, "-keyout", self._key, "-out", self.certificate,
                 "-subj", f"/CN={name}", "-days", 30,
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name, kind="good"):
        """A certificate for the host NAME and its key, as two paths.  KIND is one of `good`,
        `wrong-name`, `self-signed`, `expired`."""
        if kind not in ("good", "wrong-name", "self-signed", "expired"):
            raise ValueError(f"no such kind of certificate: {kind!r}")
        base = self._directory / f"{name}.{kind}"
        certificate, key, request = (base.with_name(f"{base.name}.{end}")
                                     for end in ("pem", "key", "csr"))
        if certificate.exists():
            return certificate, key
        subject = f"not-{name}" if kind == "wrong-name" else name
        _openssl("req", *KEY, "-keyout", key, "-out", request, "-subj", f"/CN={subject}",
                 "-addext", f"subjectAltName=DNS:{subject}",
                 "-addext", "basicConstraints=critical,CA:FALSE")
        signer = (["-key", key] if kind == "self-signed"
                  else ["-CA", self.certificate, "-CAkey", self._key])
        _openssl("x509", "-req", "-in", request, *signer, "-out", certificate,
                 "-copy_extensions", "copy", "-days", -1 if kind == "expired" else 30)
        return certificate, key
