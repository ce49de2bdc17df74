"""A reverse proxy with TLS, as operators put one before a service.

    proxy_of_tls.py PORT CA_FILE

Passes on what comes to the service at PORT of this machine. Writes the certificate of its authority to CA_FILE, prints the
port that it listens at, and ends when its standard input does.
"""

import datetime
import ipaddress
import os
import socket
import ssl
import sys
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def main(port: int, ca_file: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as chain:
        ca, certificate, key = certificates()
        with open(ca_file, "wb") as file:
            file.write(ca)
        chain.write(certificate + key)
        chain.flush()
        context.load_cert_chain(chain.name)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=serve, args=(listener, context, port), daemon=True).start()
    sys.stdin.read()
    os._exit(0)


def certificates() -> tuple[bytes, bytes, bytes]:
    """That of an authority, one of its own for 127.0.0.1, and the key of that, as PEM."""
    now = datetime.datetime.now(datetime.timezone.utc)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("authority", "service")]

    def certificate(which: int) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder(names[0], names[which], keys[which].public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=1))
        return builder.add_extension(x509.BasicConstraints(which == 0, None), critical=True)

    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = [certificate(0), certificate(1).add_extension(here, critical=False)]
    pem = serialization.Encoding.PEM
    ca, own = (builder.sign(keys[0], hashes.SHA256()).public_bytes(pem) for builder in made)
    form = serialization.PrivateFormat.PKCS8
    return ca, own, keys[1].private_bytes(pem, form, serialization.NoEncryption())


def serve(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        plain, _ = listener.accept()
        threading.Thread(target=passed_on, args=(plain, context, port), daemon=True).start()


def passed_on(plain: socket.socket, context: ssl.SSLContext, port: int) -> None:
    try:
        near = context.wrap_socket(plain, server_side=True)
    except OSError:
        # Whoever called does not trust the authority.
        return
    far = socket.create_connection(("127.0.0.1", port))
    back = threading.Thread(target=copied, args=(far, near), daemon=True)
    back.start()
    copied(near, far)


def copied(source: socket.socket, sink: socket.socket) -> None:
    try:
        while words := source.recv(1 << 16):
            sink.sendall(words)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
